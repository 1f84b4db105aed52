#include "storage/rocks_store.h"

#include <algorithm>
#include <optional>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/catalogue_codec.h"
#include "storage/envelope.h"
#include "storage/record_check.h"
#include "storage/rocks_status.h"

namespace throng::storage {
namespace {

constexpr int64_t kRequestLifetimeUs = int64_t{24} * 3600 * 1'000'000;

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  return WithoutExceptions([&]() -> absl::StatusOr<std::unique_ptr<Store>> {
    auto store = std::make_unique<RocksStore>(options);
    THRONG_RETURN_IF_ERROR(store->Start());
    return std::unique_ptr<Store>(std::move(store));
  });
}

absl::Status RocksStore::Start() {
  THRONG_ASSIGN_OR_RETURN(database_, Database::Open(options_));
  THRONG_RETURN_IF_ERROR(ReadPopulations());
  index::MutexLock lock(mark_mutex_);
  mark_ = database_->high_water();
  marked_at_ = std::chrono::steady_clock::now();
  if (!options_.sync) interval_thread_ = std::thread([this] { SyncAtIntervals(); });
  return absl::OkStatus();
}

RocksStore::~RocksStore() {
  {
    index::MutexLock lock(interval_mutex_);
    interval_stopping_ = true;
  }
  interval_stop_.NotifyAll();
  if (interval_thread_.joinable()) interval_thread_.join();
  if (database_ == nullptr || !CheckWritable().ok()) return;
  // Nobody is left to tell: the mark merely stays where it was.
  static_cast<void>(WithoutExceptions([&] { return AdvanceHighWater(/*now=*/true); }));
}

absl::Status RocksStore::ReadPopulations() {
  std::map<uint32_t, PopulationState> states;
  RangeScan scan = database_->Scan(Family::kMeta, AllPopulations());
  for (; scan.Valid(); scan.Next()) {
    THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                            Unseal(Kind::kPopulation, Family::kMeta, scan.key(), scan.value()));
    const absl::StatusOr<Population> population = DecodePopulation(payload);
    if (!population.ok() || PopulationKey(population->id) != scan.key()) {
      return DamagedAt(Family::kMeta, scan.key(), "the population cannot be decoded");
    }
    states[population->id].population = *population;
  }
  THRONG_RETURN_IF_ERROR(scan.status());
  for (const auto& [id, version] : database_->high_water()) {
    if (!states.contains(id)) {
      return absl::DataLossError(fmt::format(
          "population {} is missing, but {} knows its version {}", id, kHighWaterFile, version));
    }
  }
  index::MutexLock lock(mutex_);
  states_ = std::move(states);
  return absl::OkStatus();
}

int64_t RocksStore::now_us() const {
  if (options_.now_us) return options_.now_us();
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::vector<Population> RocksStore::populations() const {
  std::vector<Population> populations;
  index::MutexLock lock(mutex_);
  for (const auto& [id, state] : states_) populations.push_back(state.population);
  return populations;
}

absl::StatusOr<Population> RocksStore::CreatePopulation(std::string_view name,
                                                        std::string_view display_name,
                                                        std::string_view primary_id_type) {
  const OperationGate::TryPass pass(gate_, [&] { return CheckWritable(); });
  THRONG_RETURN_IF_ERROR(pass.status());
  return WithoutExceptions(
      [&] { return CreatePopulationImpl(name, display_name, primary_id_type); });
}

absl::StatusOr<Population> RocksStore::CreatePopulationImpl(std::string_view name,
                                                            std::string_view display_name,
                                                            std::string_view primary_id_type) {
  THRONG_RETURN_IF_ERROR(CheckWritable());
  index::MutexLock create_lock(create_mutex_);
  Population population{.id = 1,
                        .name = std::string(name),
                        .display_name = std::string(display_name),
                        .primary_id_type = std::string(primary_id_type)};
  {
    index::MutexLock lock(mutex_);
    for (const auto& [id, state] : states_) {
      if (state.population.name == name) {
        return absl::AlreadyExistsError(fmt::format("population {} exists already", name));
      }
      population.id = id + 1;
    }
  }
  if (!DecodePopulation(EncodePopulation(population)).ok()) {
    return absl::InvalidArgumentError("a population's texts must be UTF-8 of at most 64 KiB");
  }
  rocksdb::WriteBatch batch;
  const std::string key = PopulationKey(population.id);
  const std::string base_key = BaseKey(population.id);
  database_->Put(Family::kMeta, key, Seal(Kind::kPopulation, key, EncodePopulation(population)),
                 &batch);
  database_->Put(Family::kMeta, base_key, Seal(Kind::kBase, base_key, EncodeBase({})), &batch);
  THRONG_RETURN_IF_ERROR(Noted(database_->Write(&batch, /*sync=*/true)));
  index::MutexLock lock(mutex_);
  states_[population.id] = PopulationState{.population = population, .is_loaded = true};
  return population;
}

absl::StatusOr<index::RequestRecord> RocksStore::FindRequest(uint32_t population,
                                                             std::string_view scope,
                                                             std::string_view request_id) const {
  // Whoever asks wants to write: refused at once as well.
  const OperationGate::TryPass pass(gate_, [&] { return CheckWritable(); });
  THRONG_RETURN_IF_ERROR(pass.status());
  return WithoutExceptions([&]() -> absl::StatusOr<index::RequestRecord> {
    if (database_ == nullptr) return CheckWritable();
    if (scope.size() > kScopeBytesMax || request_id.size() > kRequestIdBytesMax) {
      return absl::NotFoundError("no such request");
    }
    const std::string key = RequestKey(population, scope, request_id);
    THRONG_ASSIGN_OR_RETURN(const std::string value, database_->Get(Family::kMeta, key));
    THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                            Unseal(Kind::kRequest, Family::kMeta, key, value));
    absl::StatusOr<StoredRequest> request = DecodeRequest(payload);
    if (!request.ok()) return DamagedAt(Family::kMeta, key, "the request cannot be decoded");
    if (now_us() - request->time_us >= kRequestLifetimeUs) {
      return absl::NotFoundError("the request is older than a day");
    }
    return index::RequestRecord{.scope = std::string(scope),
                                .request_id = std::string(request_id),
                                .payload_hash = request->payload_hash,
                                .response = std::move(request->response)};
  });
}

uint64_t RocksStore::log_bytes(uint32_t population) const {
  index::MutexLock lock(mutex_);
  const auto it = states_.find(population);
  return it == states_.end() ? 0 : it->second.log_bytes;
}

absl::Status RocksStore::AdvanceHighWater(bool now) {
  index::MutexLock mark_lock(mark_mutex_);
  const auto since = std::chrono::steady_clock::now() - marked_at_;
  if (!now && since < std::chrono::milliseconds(options_.high_water_interval_ms)) {
    return absl::OkStatus();
  }
  HighWater mark = mark_;
  {
    index::MutexLock lock(mutex_);
    for (const auto& [id, state] : states_) {
      if (state.is_loaded) mark[id] = state.last_version;
    }
  }
  if (mark == mark_) return absl::OkStatus();
  // A mark above what a power loss leaves would refuse a healthy directory.
  if (!options_.sync) THRONG_RETURN_IF_ERROR(database_->Sync());
  THRONG_RETURN_IF_ERROR(WriteHighWater(database_->file_system(), options_.directory, mark));
  mark_ = std::move(mark);
  marked_at_ = std::chrono::steady_clock::now();
  return absl::OkStatus();
}

}  // namespace throng::storage
