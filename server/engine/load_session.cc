#include "server/engine/load_session.h"

#include <map>
#include <set>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/columnar_writer.h"
#include "server/engine/new_users.h"
#include "server/engine/request_memory.h"
#include "server/engine/user_lookup.h"

namespace throng::engine {
namespace {

using TagMap = std::map<std::string, const index::TagEntry*, std::less<>>;

// Users who have a value; of a FLAG, for whom it is set.
uint64_t Coverage(index::TagType type, const index::TagContent* content) {
  if (content == nullptr) return 0;
  return type == index::TagType::kFlag ? content->ValueCardinality(0)
                                       : content->ExistsCardinality();
}

size_t CellsOf(const ColumnBatch& batch) {
  const auto* numbers = std::get_if<std::span<const uint64_t>>(&batch.ids);
  const size_t rows =
      numbers != nullptr ? numbers->size() : std::get<TextsView>(batch.ids).ends.size();
  return rows * (batch.columns.size() + 1);
}

// What both kinds share: finding the tags, reading a batch, counting.
class Session : public LoadSession {
 public:
  Session(std::shared_ptr<Universe> universe, const CallContext& context, LoadHeader header)
      : universe_(std::move(universe)),
        visibility_(context.visibility),
        header_(std::move(header)),
        start_(std::chrono::steady_clock::now()) {}

 protected:
  // The entries of the header's tags in `snapshot`. Errors: kNotFound (UNKNOWN_TAG).
  absl::StatusOr<TagMap> FindTags(const index::Snapshot& snapshot) const {
    const index::CatalogueView view(snapshot.catalogue(), visibility_);
    TagMap tags;
    for (size_t i = 0; i < header_.tags.size(); ++i) {
      const index::TagEntry* entry = view.Find(header_.tags[i]);
      if (entry == nullptr) {
        return index::MakeError(absl::StatusCode::kNotFound,
                                fmt::format("there is no tag \"{}\"", header_.tags[i]),
                                {.reason = "UNKNOWN_TAG",
                                 .field = fmt::format("header.tags[{}]", i),
                                 .suggestion = view.NearestTag(header_.tags[i])});
      }
      tags[header_.tags[i]] = entry;
    }
    return tags;
  }

  // Reads `batch` on `newest` and fills `record` and `progress`.
  absl::Status ReadBatch(const ColumnBatch& batch, const index::Snapshot& newest,
                         index::CommitRecord* record, LoadProgress* progress) {
    THRONG_ASSIGN_OR_RETURN(const TagMap tags, FindTags(newest));
    THRONG_ASSIGN_OR_RETURN(const index::IdTypeDefinition* id_type,
                            FindIdType(*universe_, newest, header_.id_type, "header.id_type"));
    ColumnarWriter writer(newest, header_.unknown_ids, id_type);
    THRONG_RETURN_IF_ERROR(writer.Read(batch, tags));
    const uint64_t refused = summary_.rows_refused + writer.errors().size();
    if (refused > header_.errors_max) {
      const RowError& first = writer.errors().front();
      return index::MakeError(
          absl::StatusCode::kInvalidArgument,
          fmt::format("{} rows were refused, {} are allowed; batch {}, row {}{}{}: {}", refused,
                      header_.errors_max, batch.number, first.row,
                      first.tag.empty() ? "" : ", tag ", first.tag, first.message),
          {.reason = "TOO_MANY_ERRORS",
           .field = first.tag.empty() ? "batch.ids" : "batch.columns",
           .limit = header_.errors_max,
           .requested = refused,
           .row = first.row});
    }
    writer.Fill(record, universe_->write_parallel());
    progress->errors = writer.errors();
    progress->rows = writer.rows_taken();
    skipped_ = writer.rows_skipped();
    created_ = record->new_users.size();
    return absl::OkStatus();
  }

  // Counts what ReadBatch read, once it is taken.
  void Count(const LoadProgress& progress) {
    summary_.rows += progress.rows;
    summary_.rows_refused += progress.errors.size();
    summary_.rows_skipped += skipped_;
    summary_.users_created += created_;
  }

  LoadSummary Summary(uint64_t data_version) const {
    LoadSummary summary = summary_;
    summary.data_version = data_version;
    summary.server_time = std::chrono::steady_clock::now() - start_;
    return summary;
  }

  const std::shared_ptr<Universe> universe_;
  const index::Visibility visibility_;
  const LoadHeader header_;
  LoadSummary summary_;

 private:
  const std::chrono::steady_clock::time_point start_;
  uint64_t skipped_ = 0;  // in the batch just read
  uint64_t created_ = 0;
};

// Commits every batch by itself.
class UpsertSession final : public Session {
 public:
  using Session::Session;

  absl::Status Begin() const { return FindTags(*universe_->newest()).status(); }

  absl::StatusOr<LoadProgress> Write(const CallContext& context,
                                     const ColumnBatch& batch) override {
    THRONG_RETURN_IF_ERROR(context.Check());
    LoadProgress progress{.batch_number = batch.number};
    RequestKey key;
    if (!header_.load_id.empty()) {
      key = MakeRequestKey(context, "load\n" + header_.load_id, std::to_string(batch.number), 0);
    }
    bool repeated = false;
    const auto build = [&](const index::Snapshot& newest,
                           index::CommitRecord* record) -> absl::Status {
      THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe_, key));
      repeated = first.has_value();
      if (repeated) return absl::OkStatus();
      THRONG_RETURN_IF_ERROR(ReadBatch(batch, newest, record, &progress));
      Remember(key, "", record);
      return absl::OkStatus();
    };
    THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot,
                            universe_->Commit(build, CellsOf(batch)));
    progress.data_version = snapshot->data_version();
    if (repeated) {
      ++summary_.batches_repeated;
    } else {
      Count(progress);
    }
    return progress;
  }

  absl::StatusOr<LoadSummary> Finish(const CallContext& /*context*/) override {
    return Summary(universe_->newest()->data_version());
  }
};

// Stages whole tags beside the old ones. Users and values that a batch brings are committed at
// once, because ordinals and codes are handed out by commits; nothing shows them until the end but
// the number of users.
class ReplaceSession final : public Session {
 public:
  ReplaceSession(std::shared_ptr<Universe> universe, const CallContext& context, LoadHeader header)
      : Session(std::move(universe), context, std::move(header)), begun_us_(universe_->now_us()) {}
  ~ReplaceSession() override {
    if (pending_ != nullptr) universe_->AbortReplace(pending_);
  }

  absl::Status Begin() {
    const index::SnapshotRef snapshot = universe_->newest();
    THRONG_ASSIGN_OR_RETURN(const TagMap tags, FindTags(*snapshot));
    std::set<uint32_t> ids;
    for (const auto& [name, entry] : tags) {
      ids.insert(entry->definition.id);
      staged_[entry->definition.id] = std::make_shared<const index::TagContent>();
    }
    THRONG_ASSIGN_OR_RETURN(pending_, universe_->BeginReplace(ids));
    return absl::OkStatus();
  }

  absl::StatusOr<LoadProgress> Write(const CallContext& context,
                                     const ColumnBatch& batch) override {
    THRONG_RETURN_IF_ERROR(context.Check());
    THRONG_RETURN_IF_ERROR(CheckTime());
    LoadProgress progress{.batch_number = batch.number};
    std::vector<index::TagChange> changes;
    const auto build = [&](const index::Snapshot& newest,
                           index::CommitRecord* record) -> absl::Status {
      THRONG_RETURN_IF_ERROR(pending_->lost);  // which only commits look at
      THRONG_RETURN_IF_ERROR(ReadBatch(batch, newest, record, &progress));
      changes = std::move(record->tag_changes);
      record->tag_changes.clear();
      return absl::OkStatus();
    };
    THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot,
                            universe_->Commit(build, CellsOf(batch)));
    // Each change has a tag of its own.
    const uint64_t stage = ++stage_;
    size_t cells = 0;
    for (const index::TagChange& change : changes) cells += change.ordinals.size();
    universe_->write_parallel().ForCells(
        static_cast<uint32_t>(changes.size()), cells,
        [&](uint32_t i, uint32_t) { Stage(*snapshot, changes[i], stage); });
    progress.data_version = snapshot->data_version();
    Count(progress);
    return progress;
  }

  absl::StatusOr<LoadSummary> Finish(const CallContext& context) override {
    THRONG_RETURN_IF_ERROR(context.Check());
    THRONG_RETURN_IF_ERROR(CheckTime());
    const auto is_lost = [this](const index::Snapshot&, index::CommitRecord*) {
      return pending_->lost;  // which only commits look at
    };
    THRONG_RETURN_IF_ERROR(universe_->Commit(is_lost).status());
    // The bulk is written while others commit; only what they change meanwhile is written again
    // while they wait.
    const index::SnapshotRef before = universe_->newest();
    if (!header_.confirms_coverage_fall) THRONG_RETURN_IF_ERROR(CheckCoverage(*before));
    THRONG_RETURN_IF_ERROR(WriteAllChanged(before->catalogue()));
    const std::shared_ptr<PendingReplace> pending = std::exchange(pending_, nullptr);
    const auto finish =
        [&](const index::Snapshot& newest,
            index::CommitRecord* record) -> absl::StatusOr<std::vector<index::TagContentRef>> {
      for (const auto& [version, change] : pending->changes) Stage(newest, change, ++stage_);
      THRONG_RETURN_IF_ERROR(WriteAllChanged(newest.catalogue()));
      std::vector<index::TagContentRef> contents;
      for (const auto& [tag, content] : staged_) {
        index::TagDefinition definition = newest.catalogue().FindById(tag)->definition;
        ++definition.generation;
        definition.content_time_us = record->time_us;
        record->definitions.push_back(std::move(definition));
        contents.push_back(written_[tag].content);
      }
      return contents;
    };
    THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot,
                            universe_->CommitReplace(pending, finish));
    return Summary(snapshot->data_version());
  }

 private:
  absl::Status CheckTime() const {
    if (universe_->now_us() - begun_us_ <= kReplaceUsMax) return absl::OkStatus();
    constexpr int64_t kSecondsMax = kReplaceUsMax / 1'000'000;
    return index::MakeError(
        absl::StatusCode::kDeadlineExceeded,
        fmt::format("the REPLACE has taken {} s, the longest that it may: begin again, with fewer "
                    "tags at once",
                    kSecondsMax),
        {.reason = "STREAM_TOO_LONG",
         .field = "header.tags",
         .limit = static_cast<uint64_t>(kSecondsMax)});
  }

  // What of a staged tag is on disk: the staged shards, and the same with their final version.
  struct Written {
    index::TagContentRef staged = std::make_shared<const index::TagContent>();
    index::TagContentRef content = std::make_shared<const index::TagContent>();
    bool has_begun = false;  // nothing else stands under its generation
  };

  // Changes of different tags may be staged at the same time; `stage` grows from batch to batch.
  // Begin() has an entry for every tag of the header, and tags are never dropped.
  void Stage(const index::Snapshot& snapshot, const index::TagChange& change, uint64_t stage) {
    const index::TagType type = snapshot.catalogue().FindById(change.tag)->definition.type;
    index::TagContentRef& content = staged_.find(change.tag)->second;
    content = index::ApplyToContent(content, type, change, stage);
  }

  // Errors: kFailedPrecondition (COVERAGE_FALL) if a tag would lose too many users.
  absl::Status CheckCoverage(const index::Snapshot& before) const {
    for (const auto& [tag, content] : staged_) {
      const index::TagDefinition& definition = before.catalogue().FindById(tag)->definition;
      const uint64_t had = Coverage(definition.type, before.content(tag));
      const uint64_t has = Coverage(definition.type, content.get());
      if (had < kCoverageUsersMin ||
          static_cast<double>(has) >= kCoverageKeptMin * static_cast<double>(had)) {
        continue;
      }
      return index::MakeError(
          absl::StatusCode::kFailedPrecondition,
          fmt::format(
              "tag \"{}\" would cover {} users instead of {}: the old content stays; if the "
              "new one is meant, load it with confirm_coverage_fall",
              definition.name, has, had),
          {.reason = "COVERAGE_FALL",
           .field = "header.confirm_coverage_fall",
           .limit = static_cast<uint64_t>(kCoverageKeptMin * static_cast<double>(had)),
           .requested = has});
    }
    return absl::OkStatus();
  }

  // Of every tag, several at a time.
  absl::Status WriteAllChanged(const index::Catalogue& catalogue) {
    std::vector<std::pair<uint32_t, Written*>> tags;
    for (const auto& [tag, content] : staged_) tags.emplace_back(tag, &written_[tag]);
    std::vector<absl::Status> statuses(tags.size());
    universe_->write_parallel().For(static_cast<uint32_t>(tags.size()), [&](uint32_t i, uint32_t) {
      const auto [tag, written] = tags[i];
      statuses[i] = WriteChanged(catalogue, tag, staged_.find(tag)->second, *written);
    });
    for (const absl::Status& status : statuses) THRONG_RETURN_IF_ERROR(status);
    return absl::OkStatus();
  }

  // Writes the shards of `content` that are not on disk yet. Their versions, which counted stages,
  // become 0: they are older than any commit that may be replayed on them.
  absl::Status WriteChanged(const index::Catalogue& catalogue, uint32_t tag,
                            const index::TagContentRef& content, Written& written) const {
    index::TagContent changed;
    changed.shards.resize(content->shards.size());
    auto all = std::make_shared<index::TagContent>(*written.content);
    all->shards.resize(content->shards.size());
    for (uint32_t i = 0; i < content->shards.size(); ++i) {
      const index::TagShard* known = written.staged->shard(i);
      if (content->shards[i] == nullptr || content->shards[i].get() == known) continue;
      auto shard = std::make_shared<index::TagShard>(*content->shards[i]);
      shard->version = 0;
      changed.shards[i] = all->shards[i] = std::move(shard);
    }
    index::TagDefinition definition = catalogue.FindById(tag)->definition;
    ++definition.generation;
    storage::Store& store = universe_->store();
    const uint32_t population = universe_->population().id;
    // A REPLACE that was aborted may have left shards under this generation.
    if (!written.has_begun) {
      THRONG_RETURN_IF_ERROR(store.WriteGeneration(population, definition, {}));
      written.has_begun = true;
    }
    THRONG_RETURN_IF_ERROR(store.WriteGeneration(population, definition, changed));
    written.staged = content;
    written.content = std::move(all);
    return absl::OkStatus();
  }

  const int64_t begun_us_;
  std::shared_ptr<PendingReplace> pending_;
  std::map<uint32_t, index::TagContentRef> staged_;  // by tag id
  std::map<uint32_t, Written> written_;
  uint64_t stage_ = 0;
};

absl::Status CheckHeader(const LoadHeader& header) {
  if (header.tags.empty() && header.mode == LoadMode::kReplace) {
    return index::InvalidArgument("NO_TAGS", "header.tags", "a REPLACE must name its tags");
  }
  std::set<std::string_view> seen;
  for (size_t i = 0; i < header.tags.size(); ++i) {
    if (seen.insert(header.tags[i]).second) continue;
    return index::InvalidArgument("DUPLICATE_TAG", fmt::format("header.tags[{}]", i),
                                  fmt::format("tag \"{}\" stands twice", header.tags[i]));
  }
  if (header.load_id.size() > kRequestIdBytesMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "LOAD_ID_TOO_LONG",
                             "the load id's length in bytes", kRequestIdBytesMax,
                             header.load_id.size()),
        "header.load_id");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<LoadSession>> StartSession(std::shared_ptr<Universe> universe,
                                                          const CallContext& context,
                                                          const LoadHeader& header) {
  THRONG_RETURN_IF_ERROR(CheckHeader(header));
  THRONG_ASSIGN_OR_RETURN(
      const index::IdTypeDefinition* id_type,
      FindIdType(*universe, *universe->newest(), header.id_type, "header.id_type"));
  if (id_type != nullptr && header.unknown_ids == UnknownIds::kCreate) {
    return NewUsers::CannotCreate(header.id_type, "header.unknown_ids");
  }
  if (header.mode == LoadMode::kReplace) {
    auto session = std::make_unique<ReplaceSession>(std::move(universe), context, header);
    THRONG_RETURN_IF_ERROR(session->Begin());
    return session;
  }
  auto session = std::make_unique<UpsertSession>(std::move(universe), context, header);
  THRONG_RETURN_IF_ERROR(session->Begin());
  return session;
}

}  // namespace throng::engine
