#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/roaring_codec.h"
#include "query/collector.h"
#include "query/executor.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/selections.h"
#include "server/engine/value_text.h"
#include "server/engine/visible_tag.h"

namespace throng::engine {
namespace {

constexpr size_t kFrameRowsMax = 8'192;
// Users read at once; divides kFrameRowsMax.
constexpr size_t kPartRowsMax = index::kArrayMax;
static_assert(kFrameRowsMax % kPartRowsMax == 0);

// Cuts a set of users into frames. Users of chunks whose ids are numbers and of others never share
// a frame.
class FrameWriter {
 public:
  FrameWriter(const ResolvedSelection& selection, const std::vector<const index::TagEntry*>& tags,
              const ExportSink& sink)
      : selection_(selection), sink_(sink) {
    for (const index::TagEntry* tag : tags) readers_.emplace_back(*selection.snapshot, *tag);
  }

  absl::Status Write(const index::OrdinalSet& users) {
    for (uint32_t chunk = 0; chunk < users.chunk_count(); ++chunk) {
      std::vector<uint16_t> offsets;
      offsets.reserve(users.chunk(chunk).cardinality);
      index::ForEach(users.chunk(chunk),
                     [&](uint32_t offset) { offsets.push_back(static_cast<uint16_t>(offset)); });
      std::span<const uint16_t> rest = offsets;
      while (!rest.empty()) {
        const size_t part = std::min({rest.size(), kPartRowsMax, kFrameRowsMax - rows_});
        THRONG_RETURN_IF_ERROR(Append(chunk, rest.first(part)));
        rest = rest.subspan(part);
      }
    }
    return Flush();
  }

 private:
  absl::Status Append(uint32_t chunk, std::span<const uint16_t> offsets) {
    const index::IdChunk& ids = selection_.snapshot->ids().chunk(chunk);
    if (rows_ > 0 && frame_.numeric != ids.numeric()) THRONG_RETURN_IF_ERROR(Flush());
    frame_.numeric = ids.numeric();
    frame_.columns.resize(readers_.size());
    for (const uint16_t offset : offsets) {
      if (frame_.numeric) {
        frame_.numbers.push_back(ids.number(offset));
      } else {
        frame_.ids.push_back(ids.text(offset));
      }
    }
    for (size_t i = 0; i < readers_.size(); ++i) {
      readers_[i].AppendTexts(chunk, offsets, &frame_.columns[i]);
    }
    rows_ += offsets.size();
    return rows_ == kFrameRowsMax ? Flush() : absl::OkStatus();
  }

  absl::Status Flush() {
    if (rows_ == 0) return absl::OkStatus();
    THRONG_RETURN_IF_ERROR(selection_.check());
    rows_ = 0;
    return sink_.frame(std::exchange(frame_, ExportFrame()));
  }

  const ResolvedSelection& selection_;
  const ExportSink& sink_;
  std::vector<TagTextReader> readers_;
  ExportFrame frame_;
  size_t rows_ = 0;
};

absl::StatusOr<std::vector<const index::TagEntry*>> FindTags(const ResolvedSelection& selection,
                                                             const CallContext& context,
                                                             const ExportOptions& options) {
  if (options.roaring && !options.tags.empty()) {
    return index::InvalidArgument("TAGS_WITH_ROARING", "tags",
                                  "a bitmap has no columns: ask for tags or for roaring");
  }
  if (options.tags.size() > kExportTagsMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_TAGS",
                             "the number of tags", kExportTagsMax, options.tags.size()),
        "tags");
  }
  const index::CatalogueView view(selection.snapshot->catalogue(), context.visibility);
  std::vector<const index::TagEntry*> tags;
  for (size_t i = 0; i < options.tags.size(); ++i) {
    THRONG_ASSIGN_OR_RETURN(tags.emplace_back(), FindVisibleTag(view, options.tags[i], i));
  }
  return tags;
}

absl::Status WriteRoaring(const ResolvedSelection& selection, const index::OrdinalSet& users,
                          const ExportSink& sink) {
  std::vector<uint64_t> numbers;
  numbers.reserve(users.cardinality());
  for (uint32_t chunk = 0; chunk < users.chunk_count(); ++chunk) {
    THRONG_RETURN_IF_ERROR(selection.check());
    // The set is padded to whole shards: its last chunks may lie beyond the last id.
    if (users.chunk(chunk).empty()) continue;
    const index::IdChunk& ids = selection.snapshot->ids().chunk(chunk);
    index::ForEach(users.chunk(chunk),
                   [&](uint32_t offset) { numbers.push_back(ids.number(offset)); });
  }
  std::string bytes = index::EncodeNumbers(numbers);
  THRONG_RETURN_IF_ERROR(selection.check());
  return sink.roaring(std::move(bytes));
}

}  // namespace

absl::Status Selections::Export(const CallContext& context, const Selection& selection,
                                const ExportOptions& options, const ExportSink& sink) {
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          ResolveSelection(universes_, context, selection));
  THRONG_ASSIGN_OR_RETURN(const std::vector<const index::TagEntry*> tags,
                          FindTags(bound, context, options));
  if (options.roaring && !bound.snapshot->ids().all_numeric()) {
    return index::InvalidArgument("NOT_NUMERIC", "roaring",
                                  "not every primary id is a number: export them as text");
  }
  query::SetCollector collector;
  THRONG_RETURN_IF_ERROR(query::Execute(bound.plan, *bound.snapshot, bound.universe->parallel(),
                                        bound.check, collector));
  const std::shared_ptr<const index::OrdinalSet> users = collector.Build();
  THRONG_RETURN_IF_ERROR(sink.start({.total = users->cardinality(), .info = bound.Info()}));
  if (options.roaring) return WriteRoaring(bound, *users, sink);
  return FrameWriter(bound, tags, sink).Write(*users);
}

}  // namespace throng::engine
