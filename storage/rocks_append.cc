// Commits: records go to the log, several of them with one sync.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/catalogue_codec.h"
#include "storage/envelope.h"
#include "storage/record_check.h"
#include "storage/rocks_status.h"
#include "storage/rocks_store.h"

namespace throng::storage {
namespace {

constexpr size_t kRecordBytesMax = size_t{1} << 30;

absl::Status UnknownPopulation(uint32_t population) {
  return absl::NotFoundError(fmt::format("there is no population {}", population));
}

}  // namespace

absl::Status RocksStore::Append(uint32_t population,
                                std::span<const index::CommitRecord* const> records) {
  const OperationGate::TryPass pass(gate_, [&] { return CheckWritable(); });
  THRONG_RETURN_IF_ERROR(pass.status());
  return WithoutExceptions([&] { return AppendImpl(population, records); });
}

absl::Status RocksStore::AppendImpl(uint32_t population,
                                    std::span<const index::CommitRecord* const> records) {
  THRONG_RETURN_IF_ERROR(CheckWritable());
  THRONG_RETURN_IF_ERROR(CheckVersions(population, records));
  rocksdb::WriteBatch batch;
  std::vector<uint64_t> bytes;
  std::vector<Flip> flips;
  for (const index::CommitRecord* const record : records) {
    THRONG_RETURN_IF_ERROR(CheckShape(*record));
    THRONG_ASSIGN_OR_RETURN(flips, FindFlips(population, *record));
    THRONG_RETURN_IF_ERROR(CheckCrowdsWritten(population, *record));
    const std::string key = LogKey(population, record->version);
    const std::string value =
        Seal(Kind::kRecord, key, EncodeRecord(*record, flips), RecordFormat(*record));
    if (value.size() > kRecordBytesMax) {
      return absl::InvalidArgumentError(fmt::format("a commit of {} bytes; at most {} are allowed",
                                                    value.size(), kRecordBytesMax));
    }
    database_->Put(Family::kLog, key, value, &batch);
    PutRequests(population, *record, &batch);
    bytes.push_back(value.size());
  }
  // Durable before visible: the caller shows the records only after this.
  THRONG_RETURN_IF_ERROR(Noted(database_->Write(&batch, options_.sync)));
  is_sync_due_ = !options_.sync;
  for (size_t i = 0; i < records.size(); ++i) {
    NoteAppended(population, *records[i], flips, bytes[i]);
  }
  // The commit is durable whatever becomes of the mark; a disk that refuses it stops the next one.
  static_cast<void>(Noted(AdvanceHighWater(/*now=*/false)));
  return absl::OkStatus();
}

absl::Status RocksStore::CheckVersions(uint32_t population,
                                       std::span<const index::CommitRecord* const> records) const {
  index::MutexLock lock(mutex_);
  const auto it = states_.find(population);
  if (it == states_.end()) return UnknownPopulation(population);
  if (!it->second.is_loaded) return absl::FailedPreconditionError("the population is not loaded");
  uint64_t version = it->second.last_version;
  for (const index::CommitRecord* const record : records) {
    if (record->version != ++version) {
      return absl::InvalidArgumentError(
          fmt::format("a commit of version {} after version {}", record->version, version - 1));
    }
    if (!record->definitions.empty() && records.size() > 1) {
      return absl::InvalidArgumentError("a record with definitions comes alone");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Flip>> RocksStore::FindFlips(uint32_t population,
                                                        const index::CommitRecord& record) const {
  index::MutexLock lock(mutex_);
  const PopulationState& state = states_.at(population);
  std::vector<Flip> flips;
  for (const index::TagDefinition& definition : record.definitions) {
    const auto current = state.generations.find(definition.id);
    const bool is_known = current != state.generations.end();
    if (is_known && current->second == definition.generation) continue;
    const auto pending = state.pending.find({definition.id, definition.generation});
    if (pending != state.pending.end()) {
      if (pending->second.is_lost) return ContentLost(definition.id);
      const std::vector<uint64_t>& stamps = pending->second.stamps;
      if (std::any_of(stamps.begin(), stamps.end(),
                      [&](uint64_t stamp) { return stamp > record.version; })) {
        return absl::InvalidArgumentError(fmt::format(
            "tag {}: the new content is not older than version {}", definition.id, record.version));
      }
      flips.push_back({.tag = definition.id, .stamps = stamps});
    } else if (is_known) {
      return absl::InvalidArgumentError(
          fmt::format("tag {}: no content was written for generation {}", definition.id,
                      definition.generation));
    }
  }
  return flips;
}

void RocksStore::PutRequests(uint32_t population, const index::CommitRecord& record,
                             rocksdb::WriteBatch* batch) {
  for (const index::RequestRecord& request : record.requests) {
    const std::string key = RequestKey(population, request.scope, request.request_id);
    const std::string payload = EncodeRequest({.time_us = record.time_us,
                                               .payload_hash = request.payload_hash,
                                               .response = request.response});
    database_->Put(Family::kMeta, key, Seal(Kind::kRequest, key, payload), batch);
    const std::string time_key = RequestTimeKey(population, record.time_us, key);
    database_->Put(Family::kMeta, time_key, Seal(Kind::kRequestTime, time_key, ""), batch);
  }
}

void RocksStore::NoteAppended(uint32_t population, const index::CommitRecord& record,
                              const std::vector<Flip>& flips, uint64_t bytes) {
  index::MutexLock lock(mutex_);
  PopulationState& state = states_[population];
  state.last_version = record.version;
  state.log.emplace_back(record.version, bytes);
  state.log_bytes += bytes;
  for (const Flip& flip : flips) {
    const auto definition =
        std::find_if(record.definitions.begin(), record.definitions.end(),
                     [&](const index::TagDefinition& d) { return d.id == flip.tag; });
    state.flipped.insert({flip.tag, definition->generation});
  }
  for (const index::TagDefinition& definition : record.definitions) {
    state.generations[definition.id] = definition.generation;
    state.pending.erase({definition.id, definition.generation});
  }
  for (const index::NewCrowdVersion& added : record.crowds.versions) {
    state.crowds[{added.crowd, added.version.number}] = {.version = record.version};
  }
}

void RocksStore::SyncAtIntervals() {
  const std::chrono::milliseconds interval(options_.sync_interval_ms);
  while (true) {
    {
      index::MutexLock lock(interval_mutex_);
      if (!interval_stopping_) {
        interval_stop_.WaitUntil(interval_mutex_, std::chrono::steady_clock::now() + interval);
      }
      if (interval_stopping_) return;
    }
    const OperationGate::Pass pass(gate_);
    if (!CheckWritable().ok() || !is_sync_due_.exchange(false)) continue;
    // A disk that refuses stops the next write.
    static_cast<void>(WithoutExceptions([&] { return Noted(database_->Sync()); }));
  }
}

}  // namespace throng::storage
