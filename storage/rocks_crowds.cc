// The sets of crowd versions: written before the commit that refers to them, read when asked for,
// deleted by the fold behind the commit that drops them.
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/crowd_blocks.h"
#include "storage/rocks_status.h"
#include "storage/rocks_store.h"

namespace throng::storage {

absl::Status RocksStore::WriteCrowdVersion(uint32_t population, const index::CrowdVersionId& id,
                                           const index::OrdinalSet* users) {
  const OperationGate::TryPass pass(gate_, [&] { return CheckWritable(); });
  THRONG_RETURN_IF_ERROR(pass.status());
  return WithoutExceptions([&] { return Noted(WriteCrowdVersionImpl(population, id, users)); });
}

absl::Status RocksStore::WriteCrowdVersionImpl(uint32_t population, const index::CrowdVersionId& id,
                                               const index::OrdinalSet* users) {
  THRONG_RETURN_IF_ERROR(CheckWritable());
  {
    index::MutexLock lock(mutex_);
    const auto it = states_.find(population);
    if (it == states_.end() || !it->second.is_loaded) {
      return absl::FailedPreconditionError("the population is not loaded");
    }
    const auto known = it->second.crowds.find(id);
    if (id.crowd == 0 || id.number == 0 ||
        (known != it->second.crowds.end() && known->second.version != 0)) {
      return absl::InvalidArgumentError(
          fmt::format("version {} of crowd {} is not a new one", id.number, id.crowd));
    }
    // From now on something may stand there.
    it->second.crowds[id] = {.is_lost = true};
  }
  if (users == nullptr) {
    THRONG_RETURN_IF_ERROR(DeleteCrowdSet(*database_, population, id));
    index::MutexLock lock(mutex_);
    states_[population].crowds.erase(id);
    return absl::OkStatus();
  }
  THRONG_RETURN_IF_ERROR(WriteCrowdSet(*database_, population, id, *users));
  index::MutexLock lock(mutex_);
  states_[population].crowds[id].is_lost = false;
  return absl::OkStatus();
}

absl::StatusOr<index::OrdinalSetRef> RocksStore::ReadCrowdVersion(uint32_t population,
                                                                  const index::CrowdVersionId& id,
                                                                  uint64_t computed_count) const {
  const OperationGate::Pass pass(gate_);
  return WithoutExceptions([&]() -> absl::StatusOr<index::OrdinalSetRef> {
    if (database_ == nullptr) return CheckWritable();
    return ReadCrowdSet(*database_, population, id, computed_count);
  });
}

absl::Status RocksStore::CheckCrowdsWritten(uint32_t population,
                                            const index::CommitRecord& record) const {
  if (record.crowds.versions.empty()) return absl::OkStatus();
  index::MutexLock lock(mutex_);
  const PopulationState& state = states_.at(population);
  for (const index::NewCrowdVersion& added : record.crowds.versions) {
    const auto written = state.crowds.find({added.crowd, added.version.number});
    if (written == state.crowds.end() || written->second.version != 0) {
      return absl::InvalidArgumentError(fmt::format("crowd {}: no set was written for version {}",
                                                    added.crowd, added.version.number));
    }
    if (written->second.is_uploading && !written->second.is_lost) {
      return absl::InvalidArgumentError(fmt::format("crowd {}: the list of version {} is not whole",
                                                    added.crowd, added.version.number));
    }
    if (written->second.is_lost) {
      return index::MakeError(
          absl::StatusCode::kAborted,
          fmt::format("crowd {}: the disk failed while version {} was written: compute it again",
                      added.crowd, added.version.number),
          {.reason = "CONTENT_LOST"});
    }
  }
  return absl::OkStatus();
}

absl::Status RocksStore::DeleteDroppedCrowds(uint32_t population, const index::Snapshot& snapshot) {
  std::vector<index::CrowdVersionId> dropped;
  {
    index::MutexLock lock(mutex_);
    for (const auto& [id, content] : states_[population].crowds) {
      if (content.version == 0 || content.version > snapshot.data_version()) continue;
      const index::CrowdEntry* crowd = snapshot.crowds().FindById(id.crowd);
      if (crowd == nullptr || crowd->FindVersion(id.number) == nullptr) dropped.push_back(id);
    }
  }
  for (const index::CrowdVersionId& id : dropped) {
    THRONG_RETURN_IF_ERROR(DeleteCrowdSet(*database_, population, id));
    index::MutexLock lock(mutex_);
    states_[population].crowds.erase(id);
  }
  return absl::OkStatus();
}

}  // namespace throng::storage
