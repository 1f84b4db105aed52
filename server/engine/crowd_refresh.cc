// Computing versions: many crowds on one data version, those that others rest on first.
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/crowd_info.h"
#include "server/engine/crowd_reader.h"
#include "server/engine/crowd_rules.h"
#include "server/engine/crowds.h"
#include "server/engine/request_memory.h"
#include "server/engine/universe.h"

namespace throng::engine {

// One crowd of a Refresh.
struct Crowds::Computation {
  const index::CrowdEntry* crowd = nullptr;  // in the snapshot that it is computed on
  size_t place = 0;                          // among the names asked for
  uint32_t depth = 0;
  index::CrowdVersion version;
  index::OrdinalSetRef set;

  uint32_t id() const { return crowd->definition->id; }
  std::string field() const { return fmt::format("crowds[{}]", place); }
};

// Keeps others from computing the same crowds. Not thread-safe.
class RefreshGuard {
 public:
  explicit RefreshGuard(Crowds& crowds) : crowds_(crowds) {}
  RefreshGuard(const RefreshGuard&) = delete;
  RefreshGuard& operator=(const RefreshGuard&) = delete;
  ~RefreshGuard() {
    index::MutexLock lock(crowds_.mutex_);
    for (const auto& held : held_) crowds_.refreshing_.erase(held);
  }

  // False when somebody else does.
  bool Take(uint32_t population, uint32_t crowd) {
    index::MutexLock lock(crowds_.mutex_);
    if (!crowds_.refreshing_.insert({population, crowd}).second) return false;
    held_.emplace_back(population, crowd);
    return true;
  }

 private:
  Crowds& crowds_;
  std::vector<std::pair<uint32_t, uint32_t>> held_;
};

namespace {

absl::Status Refused(const index::CrowdDefinition& definition, std::string_view reason,
                     std::string_view why, std::string_view field) {
  return index::MakeError(absl::StatusCode::kFailedPrecondition,
                          fmt::format("crowd \"{}\" {}", definition.name, why),
                          {.reason = std::string(reason), .field = std::string(field)});
}

// Whether the crowd can get a version that is computed.
absl::Status CheckRefreshable(const index::CrowdDefinition& definition, std::string_view field) {
  if (definition.deleted()) {
    return Refused(definition, "CROWD_DELETED", "was deleted: undelete it", field);
  }
  if (definition.kind == index::CrowdKind::kUpload) {
    return Refused(definition, "NOT_A_RULE", "is UPLOAD: only a RULE or an arm is computed", field);
  }
  if (definition.frozen) {
    return Refused(definition, "CROWD_FROZEN", "is frozen: it gets no more versions", field);
  }
  return absl::OkStatus();
}

// The versions that go when `added` comes: older than the last so many, or beyond the budget; never
// the newest or a pinned one.
std::vector<index::CrowdVersionId> Superseded(const index::CrowdEntry& crowd,
                                              const index::CrowdVersion& added) {
  const index::CrowdDefinition& definition = *crowd.definition;
  std::vector<index::CrowdVersionId> superseded;
  uint32_t kept = 1;
  uint64_t bytes = added.bytes;
  for (auto version = crowd.versions->rbegin(); version != crowd.versions->rend(); ++version) {
    const bool is_over =
        definition.byte_budget != 0 && bytes + version->bytes > definition.byte_budget;
    if (!version->pinned && (kept >= definition.keep_last || is_over)) {
      superseded.push_back({definition.id, version->number});
      continue;
    }
    if (!version->pinned) ++kept;
    bytes += version->bytes;
  }
  return superseded;
}

// The rule for good, as people read it.
index::CrowdDefinition Frozen(const index::CrowdDefinition& definition,
                              const index::CrowdCatalogue& crowds, int64_t time_us) {
  index::CrowdDefinition frozen = definition;
  if (definition.kind == index::CrowdKind::kRule) frozen.rule = NamedRuleText(definition, crowds);
  frozen.references.clear();
  frozen.frozen = true;
  ++frozen.revision;
  frozen.update_us = time_us;
  return frozen;
}

// What is kept for a retry: numbers.
std::string EncodeAnswer(uint64_t data_version, const RefreshResult& result,
                         const std::vector<uint32_t>& ids) {
  std::string text = fmt::format("{} {} {} {}", data_version, result.read_version,
                                 result.rules_computed, ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    const index::CrowdVersion& v = result.crowds[i].computed.version;
    text += fmt::format(" {} {} {} {} {} {} {} {} {} {}", ids[i], v.number, v.computed_count,
                        v.data_version, v.reference_us, v.create_us, v.previous, v.added, v.removed,
                        v.duration_us);
  }
  return text;
}

RefreshResult DecodeAnswer(const std::string& text, const index::Snapshot& newest) {
  RefreshResult result;
  std::istringstream in(text);
  size_t count = 0;
  in >> result.data_version >> result.read_version >> result.rules_computed >> count;
  for (size_t i = 0; i < count && in; ++i) {
    RefreshedCrowd crowd;
    index::CrowdVersion& v = crowd.computed.version;
    uint32_t id = 0;
    in >> id >> v.number >> v.computed_count >> v.data_version >> v.reference_us >> v.create_us >>
        v.previous >> v.added >> v.removed >> v.duration_us;
    crowd.computed.current_count = v.computed_count;
    if (const index::CrowdEntry* entry = newest.crowds().FindById(id)) {
      crowd.name = entry->definition->name;
      if (!entry->versions->empty() && entry->versions->back().number == v.number) {
        crowd.computed.current_count = entry->last_set->cardinality();
      }
    }
    result.crowds.push_back(std::move(crowd));
  }
  return result;
}

// Computes the rules one after the other; equal ones once.
class BatchComputer {
 public:
  BatchComputer(const Universe& universe, const index::Snapshot& snapshot,
                const CallContext& context, const query::TimeContext& time)
      : snapshot_(snapshot),
        time_(time),
        check_([&context] { return context.Check(); }),
        reader_(universe, snapshot, context.visibility, time_, check_) {}

  // REQUIRES: what it rests on in the batch was computed before.
  absl::Status Compute(const index::CrowdEntry& crowd, index::CrowdVersion* version,
                       index::OrdinalSetRef* set) {
    const auto start = std::chrono::steady_clock::now();
    const index::CrowdDefinition& definition = *crowd.definition;
    THRONG_ASSIGN_OR_RETURN(const query::TimeContext time, TimeOf(definition, time_));
    // An arm's details are no expression: it is equal to no rule.
    const bool is_arm = definition.kind == index::CrowdKind::kSplit;
    const Key key{is_arm ? definition.details : definition.rule, time.zone_name, time.reference_us};
    auto rule = rules_.find(key);
    if (rule == rules_.end()) {
      reader_.ForgetReads();
      Rule computed;
      THRONG_ASSIGN_OR_RETURN(computed.set, reader_.Compute(crowd, time));
      computed.reads = {reader_.read_ids().begin(), reader_.read_ids().end()};
      computed.tags = {reader_.tags().begin(), reader_.tags().end()};
      rule = rules_.emplace(key, std::move(computed)).first;
    }
    *set = rule->second.set;
    Fill(crowd, time, rule->second, version);
    version->duration_us =
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                  std::chrono::steady_clock::now() - start)
                                  .count());
    reader_.Use(definition.id, *version, *set);
    return absl::OkStatus();
  }

  uint32_t rules_computed() const { return static_cast<uint32_t>(rules_.size()); }

 private:
  using Key = std::tuple<std::string, std::string, int64_t>;  // text, zone, reference time
  struct Rule {
    index::OrdinalSetRef set;
    std::vector<index::CrowdVersionId> reads;
    std::vector<uint32_t> tags;
  };

  void Fill(const index::CrowdEntry& crowd, const query::TimeContext& time, const Rule& rule,
            index::CrowdVersion* version) const {
    const uint32_t previous = crowd.versions->empty() ? 0 : crowd.versions->back().number;
    static const index::OrdinalSet kNobody;
    const index::SetDifference change =
        index::Compare(previous == 0 ? kNobody : *crowd.last_set, *rule.set);
    *version = {.number = previous + 1,
                .revision = crowd.definition->revision,
                .computed_count = rule.set->cardinality(),
                .data_version = snapshot_.data_version(),
                .reference_us = time.reference_us,
                .previous = previous,
                .added = change.added,
                .removed = change.removed,
                .bytes = rule.set->memory_bytes(),
                .tags = rule.tags,
                .reads = rule.reads};
  }

  const index::Snapshot& snapshot_;
  const query::TimeContext& time_;
  const query::Check check_;
  CrowdReader reader_;
  std::map<Key, Rule> rules_;
};

// Writes sets before the commit that makes them versions, and takes them back when it does not
// come. Not thread-safe.
class WrittenSets {
 public:
  explicit WrittenSets(const Universe& universe) : universe_(universe) {}
  WrittenSets(const WrittenSets&) = delete;
  WrittenSets& operator=(const WrittenSets&) = delete;
  ~WrittenSets() {
    // Where that fails too, the next start collects them.
    for (const index::CrowdVersionId& id : ids_) {
      universe_.store().WriteCrowdVersion(universe_.population().id, id, nullptr).IgnoreError();
    }
  }

  // Several at a time.
  absl::Status Write(std::vector<std::pair<index::CrowdVersionId, index::OrdinalSetRef>> sets) {
    std::vector<absl::Status> statuses(sets.size());
    for (const auto& [id, set] : sets) ids_.push_back(id);
    universe_.write_parallel().For(static_cast<uint32_t>(sets.size()), [&](uint32_t i, uint32_t) {
      statuses[i] = universe_.store().WriteCrowdVersion(universe_.population().id, sets[i].first,
                                                        sets[i].second.get());
    });
    for (const absl::Status& status : statuses) THRONG_RETURN_IF_ERROR(status);
    return absl::OkStatus();
  }
  void Keep() { ids_.clear(); }

 private:
  const Universe& universe_;
  std::vector<index::CrowdVersionId> ids_;
};

// Puts one version into the record, as the newest snapshot has its crowd.
absl::Status AddVersion(const index::Snapshot& newest, const index::CrowdVersion& computed,
                        const index::OrdinalSetRef& set, uint32_t id, std::string_view field,
                        bool freezes, index::CommitRecord* record) {
  const index::CrowdEntry* crowd = newest.crowds().FindById(id);
  if (crowd == nullptr) {
    return index::MakeError(absl::StatusCode::kAborted, "the crowd went meanwhile",
                            {.reason = "UNKNOWN_CROWD", .field = std::string(field)});
  }
  THRONG_RETURN_IF_ERROR(CheckRefreshable(*crowd->definition, field));
  const uint32_t last = crowd->versions->empty() ? 0 : crowd->versions->back().number;
  if (computed.number != last + 1) {
    return index::MakeError(absl::StatusCode::kAborted, "the crowd got a version meanwhile",
                            {.reason = "REFRESH_UNDER_WAY", .field = std::string(field)});
  }
  index::NewCrowdVersion added{.crowd = id, .version = computed};
  // Whoever was erased while it was computed is in it on disk, until the next fold.
  added.set = index::LivingIn(newest, set);
  added.version.holds_erased = added.set != set;
  added.version.create_us = record->time_us;
  for (const index::CrowdVersionId& old : Superseded(*crowd, added.version)) {
    record->crowds.dropped.push_back(old);
  }
  record->crowds.versions.push_back(std::move(added));
  if (freezes) {
    record->crowds.definitions.push_back(
        Frozen(*crowd->definition, newest.crowds(), record->time_us));
  }
  return absl::OkStatus();
}

absl::Status CheckNames(const RefreshCrowds& refresh) {
  if (refresh.names.empty()) {
    return index::InvalidArgument("REQUIRED", "crowds", "name the crowds to be computed");
  }
  if (refresh.names.size() > kRefreshCrowdsMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_CROWDS",
                             "the number of crowds", kRefreshCrowdsMax, refresh.names.size()),
        "crowds");
  }
  std::set<std::string_view> seen;
  for (size_t i = 0; i < refresh.names.size(); ++i) {
    if (seen.insert(refresh.names[i]).second) continue;
    return index::InvalidArgument("DUPLICATE_CROWD", fmt::format("crowds[{}]", i),
                                  fmt::format("crowd \"{}\" stands twice", refresh.names[i]));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RefreshResult> Crowds::RefreshAll(const CallContext& context,
                                                 const RefreshCrowds& refresh,
                                                 const WriteOptions& options, bool freezes) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_RETURN_IF_ERROR(CheckNames(refresh));
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(refresh.population));
  const RequestKey key = MakeRequestKey(context, freezes ? "crowds.freeze" : "crowds.refresh",
                                        options.request_id, options.payload_hash);
  // Before anything is computed, and once more when it is committed.
  THRONG_ASSIGN_OR_RETURN(std::optional<std::string> first, FindAnswer(*universe, key));
  if (first.has_value()) {
    THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef newest,
                            universe->Commit([](const auto&, auto*) { return absl::OkStatus(); }));
    return DecodeAnswer(*first, *newest);
  }
  absl::StatusOr<query::TimeContext> time =
      query::MakeTimeContext(refresh.time_zone, refresh.reference_us.value_or(universe->now_us()));
  if (!time.ok()) return index::WithField(time.status(), "time_zone");

  RefreshGuard guard(*this);
  std::vector<Computation> computations;
  std::vector<uint32_t> ids;
  for (const auto& name : refresh.names) {
    const std::string field = fmt::format("crowds[{}]", computations.size());
    const index::SnapshotRef newest = universe->newest();
    THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd,
                            CrowdView(*newest, context.visibility).Require(name, field));
    THRONG_RETURN_IF_ERROR(CheckRefreshable(*crowd->definition, field));
    if (!guard.Take(universe->population().id, crowd->definition->id)) {
      return index::MakeError(
          absl::StatusCode::kAborted,
          fmt::format("crowd \"{}\" is being computed: ask again when that is done", name),
          {.reason = "REFRESH_UNDER_WAY", .field = field});
    }
    ids.push_back(crowd->definition->id);
    computations.push_back({.place = computations.size()});
  }
  // From here on nobody else adds versions to these.
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Pin(0));
  const CrowdGraph graph(snapshot->crowds());
  for (size_t i = 0; i < ids.size(); ++i) {
    computations[i].crowd = snapshot->crowds().FindById(ids[i]);
    if (computations[i].crowd == nullptr) {
      return CrowdView(*snapshot, context.visibility)
          .Unknown(refresh.names[i], fmt::format("crowds[{}]", i));
    }
    computations[i].depth = graph.DepthOf(ids[i]);
  }
  return Finish(context, *universe, snapshot, *time, key, std::move(computations), options,
                freezes);
}

absl::StatusOr<RefreshResult> Crowds::Finish(const CallContext& context, Universe& universe,
                                             const index::SnapshotRef& snapshot,
                                             const query::TimeContext& time, const RequestKey& key,
                                             std::vector<Computation> computations,
                                             const WriteOptions& options, bool freezes) {
  std::vector<Computation*> order;
  for (Computation& computation : computations) order.push_back(&computation);
  // Whatever a crowd rests on, through others too, is less deep.
  std::stable_sort(order.begin(), order.end(),
                   [](const Computation* a, const Computation* b) { return a->depth < b->depth; });
  BatchComputer computer(universe, *snapshot, context, time);
  for (Computation* one : order) {
    const absl::Status status = computer.Compute(*one->crowd, &one->version, &one->set);
    if (!status.ok()) return index::WithField(status, one->field());
  }
  RefreshResult result{.read_version = snapshot->data_version(),
                       .data_version = snapshot->data_version(),
                       .rules_computed = computer.rules_computed()};
  std::vector<uint32_t> ids;
  std::vector<std::pair<index::CrowdVersionId, index::OrdinalSetRef>> sets;
  for (const Computation& one : computations) {
    ids.push_back(one.id());
    sets.emplace_back(index::CrowdVersionId{one.id(), one.version.number}, one.set);
    result.crowds.push_back(
        {.name = one.crowd->definition->name,
         .computed = {.version = one.version, .current_count = one.set->cardinality()}});
  }
  if (options.validate_only) return result;
  WrittenSets written(universe);
  THRONG_RETURN_IF_ERROR(written.Write(std::move(sets)));
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    index::CommitRecord built = *record;
    for (size_t i = 0; i < computations.size(); ++i) {
      THRONG_RETURN_IF_ERROR(AddVersion(newest, computations[i].version, computations[i].set,
                                        ids[i], computations[i].field(), freezes, &built));
      const index::NewCrowdVersion& added = built.crowds.versions.back();
      result.crowds[i].computed = {.version = added.version,
                                   .current_count = added.set->cardinality()};
    }
    Remember(key, EncodeAnswer(built.version, result, ids), &built);
    *record = std::move(built);
    return absl::OkStatus();
  };
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef visible, universe.Commit(build));
  written.Keep();
  result.data_version = visible->data_version();
  return result;
}

absl::StatusOr<RefreshResult> Crowds::Refresh(const CallContext& context,
                                              const RefreshCrowds& refresh,
                                              const WriteOptions& options) {
  return RefreshAll(context, refresh, options, /*freezes=*/false);
}

absl::StatusOr<CrowdInfo> Crowds::Freeze(const CallContext& context, const RefreshCrowds& freeze,
                                         const WriteOptions& options) {
  if (freeze.names.size() != 1) {
    return index::InvalidArgument("REQUIRED", "name", "name one crowd to be frozen");
  }
  THRONG_ASSIGN_OR_RETURN(const RefreshResult result,
                          RefreshAll(context, freeze, options, /*freezes=*/true));
  return Get(context, freeze.population, result.crowds.front().name);
}

}  // namespace throng::engine
