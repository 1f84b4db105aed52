// Computing versions: many crowds on one data version, those that others rest on first.
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/crowd_batch.h"
#include "server/engine/crowd_commit.h"
#include "server/engine/crowd_info.h"
#include "server/engine/crowd_rules.h"
#include "server/engine/crowds.h"
#include "server/engine/request_memory.h"
#include "server/engine/universe.h"
#include "server/engine/upload_lists.h"
#include "server/engine/waiting_ids.h"

namespace throng::engine {

// One crowd of a Refresh.
struct Crowds::Computation {
  size_t place = 0;  // among the names asked for
  uint32_t depth = 0;
  ComputedCrowd computed;
  // UPLOAD: what was looked up again, and what became of it.
  std::optional<WaitingIds> waiting;
  storage::UploadRecord record;

  uint32_t id() const { return computed.crowd->definition->id; }
  std::string field() const { return fmt::format("crowds[{}]", place); }
};

namespace {

// Whether the crowd can get a version that is computed.
absl::Status CheckRefreshable(const Universe& universe, const index::CrowdEntry& crowd,
                              bool freezes, std::string_view field) {
  const index::CrowdDefinition& definition = *crowd.definition;
  THRONG_RETURN_IF_ERROR(CheckGetsVersions(definition, field));
  if (definition.kind != index::CrowdKind::kUpload) return absl::OkStatus();
  if (crowd.versions->empty()) {
    return CrowdRefused(definition, "CROWD_NOT_REFRESHED", "has no version: upload ids into it",
                        field);
  }
  THRONG_ASSIGN_OR_RETURN(const WaitingIds waiting, WaitingIds::Of(universe, crowd));
  if (freezes || waiting.keeps()) return absl::OkStatus();
  return CrowdRefused(definition, "NOT_A_RULE",
                      "is UPLOAD and keeps no unknown ids that could be looked up again: upload "
                      "its ids anew, with keep_unknown if they are to wait for their users",
                      field);
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

// What a retry gets, once the first answer is durable.
absl::StatusOr<RefreshResult> AnswerAgain(Universe& universe, const std::string& first) {
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef newest,
                          universe.Commit([](const auto&, auto*) { return absl::OkStatus(); }));
  return DecodeAnswer(first, *newest);
}

// Level by level: whatever a crowd rests on, through others too, is less deep. `Computation` is
// Crowds::Computation.
template <typename Computation>
absl::Status ComputeAll(CrowdBatch* batch, std::vector<Computation>* computations) {
  std::vector<Computation*> order;
  for (Computation& computation : *computations) order.push_back(&computation);
  std::stable_sort(order.begin(), order.end(),
                   [](const Computation* a, const Computation* b) { return a->depth < b->depth; });
  for (size_t i = 0; i < order.size(); ++i) {
    Computation& one = *order[i];
    const absl::Status status = one.waiting.has_value()
                                    ? batch->LookUp(*one.waiting, &one.record, &one.computed)
                                    : batch->Add(&one.computed);
    if (!status.ok()) return index::WithField(status, one.field());
    const bool is_last = i + 1 == order.size() || order[i + 1]->depth != one.depth;
    if (!is_last) continue;
    const absl::Status run = batch->Run();
    if (!run.ok()) return index::WithField(run, order.size() == 1 ? one.field() : "crowds");
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
  // Before anything is computed, and once more when nobody else computes these.
  THRONG_ASSIGN_OR_RETURN(std::optional<std::string> first, FindAnswer(*universe, key));
  if (first.has_value()) return AnswerAgain(*universe, *first);
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
    THRONG_RETURN_IF_ERROR(CheckRefreshable(*universe, *crowd, freezes, field));
    if (!guard.Take(universe->population().id, crowd->definition->id)) {
      return index::MakeError(
          absl::StatusCode::kAborted,
          fmt::format("crowd \"{}\" is being computed: ask again when that is done", name),
          {.reason = "REFRESH_UNDER_WAY", .field = field});
    }
    ids.push_back(crowd->definition->id);
    computations.push_back({.place = computations.size()});
  }
  // From here on nobody else adds versions to these. A first attempt may have just done it.
  THRONG_ASSIGN_OR_RETURN(first, FindAnswer(*universe, key));
  if (first.has_value()) return AnswerAgain(*universe, *first);
  // Ids of the erased wait no more.
  THRONG_RETURN_IF_ERROR(UploadLists(*universe).Erase().status());
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Pin(0));
  const CrowdGraph graph(snapshot->crowds());
  for (size_t i = 0; i < ids.size(); ++i) {
    const index::CrowdEntry* crowd = snapshot->crowds().FindById(ids[i]);
    computations[i].computed.crowd = crowd;
    if (crowd == nullptr) {
      return CrowdView(*snapshot, context.visibility)
          .Unknown(refresh.names[i], fmt::format("crowds[{}]", i));
    }
    computations[i].depth = graph.DepthOf(ids[i]);
    if (crowd->definition->kind != index::CrowdKind::kUpload) continue;
    THRONG_ASSIGN_OR_RETURN(computations[i].waiting, WaitingIds::Of(*universe, *crowd));
  }
  return Finish(context, *universe, snapshot, *time, key, std::move(computations), options,
                freezes);
}

absl::StatusOr<RefreshResult> Crowds::Finish(const CallContext& context, Universe& universe,
                                             const index::SnapshotRef& snapshot,
                                             const query::TimeContext& time, const RequestKey& key,
                                             std::vector<Computation> computations,
                                             const WriteOptions& options, bool freezes) {
  CrowdBatch batch(universe, *snapshot, context, time);
  THRONG_RETURN_IF_ERROR(ComputeAll(&batch, &computations));
  RefreshResult result{.read_version = snapshot->data_version(),
                       .data_version = snapshot->data_version(),
                       .rules_computed = batch.rules_computed()};
  std::vector<uint32_t> ids;
  std::vector<std::pair<index::CrowdVersionId, index::OrdinalSetRef>> sets;
  bool has_lists = false;
  for (const Computation& one : computations) {
    has_lists = has_lists || one.waiting.has_value();
    ids.push_back(one.id());
    const ComputedCrowd& computed = one.computed;
    sets.emplace_back(index::CrowdVersionId{one.id(), computed.version.number}, computed.set);
    result.crowds.push_back(
        {.name = computed.crowd->definition->name,
         .computed = {.version = computed.version, .current_count = computed.set->cardinality()}});
  }
  if (options.validate_only) return result;
  WrittenSets written(universe);
  THRONG_RETURN_IF_ERROR(written.Write(std::move(sets)));
  const auto write_lists = [&]() -> absl::Status {
    for (const Computation& one : computations) {
      if (!one.waiting.has_value()) continue;
      storage::UploadWriter writer(universe.store(), universe.population().id,
                                   {one.id(), one.computed.version.number});
      THRONG_RETURN_IF_ERROR(
          WriteStillWaiting(*snapshot, *one.waiting, one.record, freezes, &writer));
    }
    return absl::OkStatus();
  };
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    index::CommitRecord built = *record;
    for (size_t i = 0; i < computations.size(); ++i) {
      const Computation& one = computations[i];
      const ReadyVersion ready{.crowd = ids[i],
                               .version = one.computed.version,
                               .set = one.computed.set,
                               .field = one.field()};
      THRONG_RETURN_IF_ERROR(AddVersion(newest, ready, freezes, &built));
      const index::NewCrowdVersion& added = built.crowds.versions.back();
      result.crowds[i].computed = {.version = added.version,
                                   .current_count = added.set->cardinality()};
    }
    Remember(key, EncodeAnswer(built.version, result, ids), &built);
    *record = std::move(built);
    return absl::OkStatus();
  };
  // Without lists a plain commit.
  THRONG_ASSIGN_OR_RETURN(
      const index::SnapshotRef visible,
      UploadLists(universe).Commit(UploadLists::kNothingNew, has_lists, write_lists, build));
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
