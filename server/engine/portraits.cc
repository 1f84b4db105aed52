#include "server/engine/portraits.h"

#include <memory>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/universe.h"
#include "server/engine/user_lookup.h"
#include "server/engine/value_text.h"

namespace throng::engine {

absl::StatusOr<Portrait> Portraits::Get(const CallContext& context, std::string_view population,
                                        std::string_view id, uint64_t read_version,
                                        std::string_view id_type) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Pin(read_version));
  THRONG_ASSIGN_OR_RETURN(const index::IdTypeDefinition* type,
                          FindIdType(*universe, *snapshot, id_type, "id_type"));
  THRONG_ASSIGN_OR_RETURN(const std::optional<uint32_t> ordinal,
                          FindUser(*snapshot, type, id, "id"));
  if (!ordinal.has_value()) {
    return index::MakeError(absl::StatusCode::kNotFound, fmt::format("there is no user \"{}\"", id),
                            {.reason = "UNKNOWN_USER", .field = "id"});
  }
  Portrait portrait{.id = snapshot->ids().text(*ordinal), .data_version = snapshot->data_version()};
  for (const index::IdTypeDefinition& declared : snapshot->catalogue().id_types()) {
    const index::LinkedIds* linked = snapshot->linked_ids(declared.id);
    if (linked == nullptr) continue;
    for (std::string& linked_id : linked->IdsOf(*ordinal)) {
      portrait.ids.push_back({.id_type = declared.name, .id = std::move(linked_id)});
    }
  }
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
