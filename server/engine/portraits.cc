#include "server/engine/portraits.h"

#include <memory>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/id_chunk.h"
#include "index/utf8.h"
#include "server/engine/universe.h"
#include "server/engine/user_lookup.h"
#include "server/engine/value_text.h"

namespace throng::engine {
namespace {

absl::Status CheckId(std::string_view id) {
  if (id.empty()) return index::InvalidArgument("BAD_ID", "id", "the id is empty");
  if (id.size() > index::kIdBytesMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "ID_TOO_LONG",
                             "the id's length in bytes", index::kIdBytesMax, id.size()),
        "id");
  }
  if (!index::IsValidUtf8(id)) {
    return index::InvalidArgument("INVALID_UTF8", "id", "the id is not UTF-8");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Portrait> Portraits::Get(const CallContext& context, std::string_view population,
                                        std::string_view id, uint64_t read_version) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_RETURN_IF_ERROR(CheckId(id));
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Pin(read_version));
  const std::optional<uint32_t> ordinal = FindUser(*snapshot, index::MakeIdKey(id));
  if (!ordinal.has_value()) {
    return index::MakeError(absl::StatusCode::kNotFound, fmt::format("there is no user \"{}\"", id),
                            {.reason = "UNKNOWN_USER", .field = "id"});
  }
  Portrait portrait{.id = snapshot->ids().text(*ordinal), .data_version = snapshot->data_version()};
  const index::CatalogueView view(snapshot->catalogue(), context.visibility);
  for (const index::TagEntry* entry : view.List()) {
    std::optional<TagValue> value = ReadValue(*snapshot, *entry, *ordinal);
    if (!value.has_value()) continue;
    const index::TagDefinition& tag = entry->definition;
    portrait.entries.push_back({.tag = tag.name,
                                .type = tag.type,
                                .scale = tag.scale,
                                .display_name = tag.display_name,
                                .value = *std::move(value)});
  }
  return portrait;
}

}  // namespace throng::engine
