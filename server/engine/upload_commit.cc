// The end of an upload: the set and the list of a version, and the commit that makes it one.
#include <algorithm>
#include <chrono>
#include <sstream>
#include <thread>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/crowd_commit.h"
#include "server/engine/crowd_view.h"
#include "server/engine/upload_lists.h"
#include "server/engine/upload_session.h"
#include "server/engine/uploads.h"

namespace throng::engine {
namespace {

constexpr std::chrono::seconds kGuardWaitMax(60);
constexpr std::chrono::milliseconds kGuardPause(5);

// Waits while somebody else computes the crowd: what was sent should not have to be sent again.
absl::Status TakeGuard(const CallContext& context, RefreshGuard* guard, uint32_t population,
                       uint32_t crowd) {
  const auto give_up = std::chrono::steady_clock::now() + kGuardWaitMax;
  while (!guard->Take(population, crowd)) {
    THRONG_RETURN_IF_ERROR(context.Check());
    if (std::chrono::steady_clock::now() >= give_up) {
      return index::MakeError(absl::StatusCode::kAborted,
                              "the crowd is being computed by somebody else: upload again",
                              {.reason = "UPLOAD_UNDER_WAY", .field = "crowd"});
    }
    std::this_thread::sleep_for(kGuardPause);
  }
  return absl::OkStatus();
}

bool IsSame(const storage::ListedId& a, const storage::ListedId& b) {
  return a.hash == b.hash && a.id_type == b.id_type && a.text == b.text;
}

}  // namespace

// What the upload makes of the crowd, on the snapshot on which nobody else does.
struct UploadSession::Target {
  index::SnapshotRef snapshot;
  const index::CrowdEntry* crowd = nullptr;  // of it
  WaitingIds waiting;                        // of the version before
  UserMarks removed;                         // REMOVE: whose waiting ids go, too
  index::OrdinalSetRef users;                // of the version
};

UploadInfo UploadSession::Checked() const {
  UploadInfo checked{.crowd = request_.crowd, .record = record_};
  checked.version.version.data_version = snapshot_->data_version();
  checked.unknown_listed = record_.unknown;
  checked.invalid_listed = refused_.size();
  const size_t samples = std::min(kUploadSamplesMax, refused_.size());
  checked.samples.assign(refused_.begin(), refused_.begin() + static_cast<ptrdiff_t>(samples));
  return checked;
}

absl::StatusOr<UploadInfo> UploadSession::Compute(const CallContext& context,
                                                  const RequestKey& key) {
  if (options_.validate_only) return Checked();
  absl::StatusOr<UploadInfo> result = TryCompute(context, key);
  // A crowd that another upload had made, which failed and took it away again.
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(result.status());
  const bool went = absl::IsAborted(result.status()) && detail.has_value() &&
                    detail->reason == "UNKNOWN_CROWD" && request_.create.has_value();
  return went ? TryCompute(context, key) : result;
}

absl::StatusOr<UploadInfo> UploadSession::TryCompute(const CallContext& context,
                                                     const RequestKey& key) {
  bool is_created = false;
  THRONG_ASSIGN_OR_RETURN(const uint32_t crowd, FindOrCreate(context, &is_created));
  // Held until a crowd that was made for nothing is gone.
  RefreshGuard guard(crowds_);
  const auto compute = [&]() -> absl::StatusOr<UploadInfo> {
    THRONG_RETURN_IF_ERROR(TakeGuard(context, &guard, universe_->population().id, crowd));
    // The first attempt may have been what this one waited for.
    THRONG_ASSIGN_OR_RETURN(std::optional<UploadInfo> first, AnswerOfFirst(context, key));
    if (first.has_value()) return *std::move(first);
    Target target;
    THRONG_RETURN_IF_ERROR(FillTarget(crowd, &target));
    return Commit(key, target);
  };
  absl::StatusOr<UploadInfo> result = compute();
  if (!result.ok() && is_created) DropCreated(crowd);
  return result;
}

absl::StatusOr<uint32_t> UploadSession::FindOrCreate(const CallContext& context, bool* is_created) {
  {
    const index::SnapshotRef newest = universe_->newest();
    const CrowdView view(*newest, context.visibility);
    const absl::StatusOr<const index::CrowdEntry*> crowd = view.Require(request_.crowd, "crowd");
    if (crowd.ok()) return (*crowd)->definition->id;
    if (!request_.create.has_value()) return crowd.status();
  }
  const absl::StatusOr<CrowdInfo> created = crowds_.Create(context, CrowdToCreate(request_), {});
  if (created.ok()) {
    *is_created = true;
    return created->definition.id;
  }
  if (!absl::IsAlreadyExists(created.status())) return created.status();
  // Somebody else was faster.
  const index::SnapshotRef newest = universe_->newest();
  THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd,
                          CrowdView(*newest, context.visibility).Require(request_.crowd, "crowd"));
  return crowd->definition->id;
}

absl::Status UploadSession::FillTarget(uint32_t crowd, Target* target) const {
  target->snapshot = universe_->newest();
  target->crowd = target->snapshot->crowds().FindById(crowd);
  if (target->crowd == nullptr) {
    return index::MakeError(absl::StatusCode::kAborted, "the crowd went meanwhile: upload again",
                            {.reason = "UNKNOWN_CROWD", .field = "crowd"});
  }
  THRONG_RETURN_IF_ERROR(CheckUploadTarget(*target->crowd->definition, request_.etag));
  const index::OrdinalSetRef uploaded = index::LivingIn(*target->snapshot, users_.ToSet());
  if (request_.mode == UploadMode::kReplace) {
    target->users = uploaded;
    return absl::OkStatus();
  }
  // Ids of the erased wait no more.
  THRONG_RETURN_IF_ERROR(UploadLists(*universe_).Erase().status());
  THRONG_ASSIGN_OR_RETURN(target->waiting, WaitingIds::Of(*universe_, *target->crowd));
  if (target->crowd->versions->empty()) {
    if (request_.mode == UploadMode::kRemove) {
      return CrowdRefused(*target->crowd->definition, "CROWD_NOT_REFRESHED",
                          "has no version that ids could be removed from", "crowd");
    }
    target->users = uploaded;
    return absl::OkStatus();
  }
  const index::OrdinalSetRef before = index::LivingIn(*target->snapshot, target->crowd->last_set);
  if (request_.mode == UploadMode::kAdd) {
    target->users = index::Union(*before, *uploaded);
  } else {
    target->users = index::Difference(*before, *uploaded);
    target->removed.AddAll(*uploaded);
  }
  return absl::OkStatus();
}

// The ids that waited before, merged with those of this upload that are nobody's.
absl::Status UploadSession::WriteList(const Target& target, storage::UploadWriter* writer) const {
  THRONG_RETURN_IF_ERROR(writer->Begin());
  const bool removes = request_.mode == UploadMode::kRemove;
  const uint32_t type = type_ == nullptr ? index::kPrimaryIdType : type_->id;
  WaitingIds::Reader reader(target.waiting);
  THRONG_ASSIGN_OR_RETURN(const storage::ListedId* waiting, reader.Next());
  const auto next_waiting = [&]() -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(waiting, reader.Next());
    return absl::OkStatus();
  };
  const auto put_waiting = [&]() -> absl::Status {
    bool goes = false;
    if (removes) {
      const std::optional<uint32_t> user = FindWaiting(*target.snapshot, *waiting);
      goes = user.has_value() && target.removed.Has(*user);
    }
    if (!goes) {
      storage::ListedId still = *waiting;
      still.is_unmatched = false;
      THRONG_RETURN_IF_ERROR(writer->Put(still));
    }
    return next_waiting();
  };
  const auto put_new = [&](uint64_t hash, std::string_view text) -> absl::Status {
    storage::ListedId id{.hash = hash,
                         .id_type = type,
                         .is_unmatched = true,
                         .is_kept = request_.keep_unknown,
                         .text = text};
    while (waiting != nullptr && *waiting < id) THRONG_RETURN_IF_ERROR(put_waiting());
    if (waiting != nullptr && IsSame(*waiting, id)) {
      id.is_kept = !removes;
      THRONG_RETURN_IF_ERROR(writer->Put(id));
      return next_waiting();
    }
    return writer->Put(id);
  };
  THRONG_RETURN_IF_ERROR(unknown_.ForEach(put_new));
  while (waiting != nullptr) THRONG_RETURN_IF_ERROR(put_waiting());
  storage::UploadRecord record = record_;
  record.keeps_unknown = record.keeps_unknown || target.waiting.keeps();
  return writer->End(record, refused_);
}

absl::StatusOr<UploadInfo> UploadSession::Commit(const RequestKey& key, Target& target) {
  const uint32_t crowd = target.crowd->definition->id;
  ReadyVersion ready{.crowd = crowd,
                     .version = NextVersion(*target.crowd, *target.users),
                     .set = target.users,
                     .field = "crowd"};
  ready.version.data_version = snapshot_->data_version();
  ready.version.reference_us = record_.start_us;
  ready.version.duration_us =
      static_cast<uint64_t>(std::max<int64_t>(0, universe_->now_us() - record_.start_us));
  const index::CrowdVersionId id{crowd, ready.version.number};
  WrittenSets written(*universe_);
  THRONG_RETURN_IF_ERROR(written.Write({{id, target.users}}));
  storage::UploadWriter writer(universe_->store(), universe_->population().id, id);
  const auto write_list = [&] { return WriteList(target, &writer); };
  UploadInfo result = Checked();
  result.crowd = target.crowd->definition->name;
  result.record.keeps_unknown = request_.keep_unknown || target.waiting.keeps();
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    index::CommitRecord built = *record;
    THRONG_RETURN_IF_ERROR(AddVersion(newest, ready, /*freezes=*/false, &built));
    const index::NewCrowdVersion& added = built.crowds.versions.back();
    result.version = {.version = added.version, .current_count = added.set->cardinality()};
    result.kept = writer.kept();
    result.data_version = built.version;
    Remember(key, EncodeUploadAnswer(result, crowd), &built);
    *record = std::move(built);
    return absl::OkStatus();
  };
  THRONG_RETURN_IF_ERROR(
      UploadLists(*universe_)
          .Commit(snapshot_->data_version(), target.waiting.count() > 0, write_list, build)
          .status());
  written.Keep();
  return result;
}

// Of a crowd that was made for an upload that failed, nothing is left; if that fails as well, a
// crowd without a version, which the next upload fills.
void UploadSession::DropCreated(uint32_t crowd) {
  universe_
      ->Commit([&](const index::Snapshot& newest, index::CommitRecord* record) {
        const index::CrowdEntry* entry = newest.crowds().FindById(crowd);
        if (entry == nullptr || !entry->versions->empty()) return absl::OkStatus();
        // Whatever rests on it by now would rest on nothing.
        if (!CrowdGraph(newest.crowds()).UsersOf(crowd).empty()) return absl::OkStatus();
        record->crowds.purged = {crowd};
        return absl::OkStatus();
      })
      .IgnoreError();
}

std::string EncodeUploadAnswer(const UploadInfo& upload, uint32_t crowd) {
  const storage::UploadRecord& r = upload.record;
  const index::CrowdVersion& v = upload.version.version;
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", crowd,
                     v.number, v.computed_count, v.data_version, v.reference_us, v.create_us,
                     v.previous, v.added, v.removed, v.duration_us, static_cast<int>(r.mode),
                     r.keeps_unknown ? 1 : 0, r.received, r.matched, r.duplicate, r.unknown,
                     r.invalid, upload.kept, upload.data_version, upload.unknown_listed,
                     upload.invalid_listed, r.id_type);
}

absl::StatusOr<UploadInfo> DecodeUploadAnswer(const CallContext& context, const std::string& text,
                                              const Universe& universe) {
  UploadInfo upload;
  storage::UploadRecord& r = upload.record;
  index::CrowdVersion& v = upload.version.version;
  uint32_t crowd = 0;
  int mode = 0;
  std::istringstream in(text);
  in >> crowd >> v.number >> v.computed_count >> v.data_version >> v.reference_us >> v.create_us >>
      v.previous >> v.added >> v.removed >> v.duration_us >> mode >> r.keeps_unknown >>
      r.received >> r.matched >> r.duplicate >> r.unknown >> r.invalid >> upload.kept >>
      upload.data_version >> upload.unknown_listed >> upload.invalid_listed;
  // The rest of the line: a name may have spaces.
  in.get();
  std::getline(in, r.id_type, '\0');
  r.mode = static_cast<UploadMode>(mode);
  r.start_us = v.reference_us;
  upload.version.current_count = v.computed_count;
  const index::SnapshotRef newest = universe.newest();
  const index::CrowdEntry* entry = newest->crowds().FindById(crowd);
  if (entry == nullptr || !CrowdView(*newest, context.visibility).Sees(*entry)) {
    return index::MakeError(absl::StatusCode::kNotFound,
                            "the ids were uploaded before, into a crowd that is gone by now",
                            {.reason = "UNKNOWN_UPLOAD", .field = "crowd"});
  }
  upload.crowd = entry->definition->name;
  if (!entry->versions->empty() && entry->versions->back().number == v.number) {
    upload.version.current_count = entry->last_set->cardinality();
  }
  // Texts are kept with the version only.
  const index::CrowdVersionId id{crowd, v.number};
  const absl::StatusOr<storage::StoredUpload> stored =
      universe.store().ReadUpload(universe.population().id, id);
  if (stored.ok()) ReadUploadSamples(universe, id, *stored, &upload.samples).IgnoreError();
  return upload;
}

}  // namespace throng::engine
