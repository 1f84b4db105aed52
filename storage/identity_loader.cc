#include "storage/identity_loader.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "index/error.h"
#include "storage/envelope.h"
#include "storage/id_codec.h"

namespace throng::storage {
namespace {

absl::StatusOr<index::LinkedIdsRef> ReadLinkedIds(const Database& database, uint32_t population,
                                                  uint32_t id_type, uint32_t count,
                                                  uint32_t ordinal_end) {
  index::LinkedIds linked;
  while (linked.entry_count() < count) {
    const std::string key =
        LinkedIdsKey(population, id_type, linked.entry_count() >> index::kChunkBits);
    const absl::StatusOr<std::string> value = database.Get(Family::kIds, key);
    if (absl::IsNotFound(value.status())) return DamagedAt(Family::kIds, key, "it is missing");
    THRONG_RETURN_IF_ERROR(value.status());
    THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                            Unseal(Kind::kLinkedIds, Family::kIds, key, *value));
    const uint32_t wanted = std::min(index::kChunkSize, count - linked.entry_count());
    const absl::StatusOr<StoredLinks> links = DecodeLinkedIds(payload, wanted, ordinal_end);
    if (!links.ok()) {
      const absl::string_view why = links.status().message();
      return DamagedAt(Family::kIds, key, {why.data(), why.size()});
    }
    linked = linked.With(links->owners, links->ids);
  }
  return std::make_shared<const index::LinkedIds>(std::move(linked));
}

}  // namespace

absl::StatusOr<index::Identity> ReadIdentity(const Database& database, uint32_t population,
                                             const StoredBase& base) {
  index::Identity identity{.linked = {}, .ledger_end = base.ledger_end};
  identity.linked.resize(base.id_types.size());
  for (uint32_t i = 0; i < base.id_types.size(); ++i) {
    if (base.linked_counts[i] == 0) continue;
    THRONG_ASSIGN_OR_RETURN(
        identity.linked[i],
        ReadLinkedIds(database, population, i + 1, base.linked_counts[i], base.id_count));
  }
  return identity;
}

}  // namespace throng::storage
