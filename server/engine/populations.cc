#include "server/engine/populations.h"

#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/universe.h"

namespace throng::engine {
namespace {

constexpr size_t kNameBytesMax = 63;

bool IsName(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax || name[0] < 'a' || name[0] > 'z') return false;
  for (char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!plain) return false;
  }
  return true;
}

absl::Status Check(const PopulationInfo& population) {
  constexpr std::string_view kRule =
      "a lower-case letter, then lower-case letters, digits, '_' or '-', at most 63 in all";
  if (!IsName(population.name)) {
    return index::InvalidArgument(
        "BAD_NAME", "population_id",
        fmt::format("\"{}\" is not a population's name: {}", population.name, kRule));
  }
  if (!IsName(population.primary_id_type)) {
    return index::InvalidArgument(
        "BAD_NAME", "population.primary_id_type",
        fmt::format("\"{}\" is not an id type's name: {}", population.primary_id_type, kRule));
  }
  if (population.display_name.size() > index::kTagTextBytesMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TEXT_TOO_LONG",
                             "the display name's length in bytes", index::kTagTextBytesMax,
                             population.display_name.size()),
        "population.display_name");
  }
  return absl::OkStatus();
}

PopulationInfo Describe(const CallContext& context, const Universe& universe) {
  const index::SnapshotRef snapshot = universe.newest();
  const index::CatalogueView view(snapshot->catalogue(), context.visibility);
  return {.name = universe.population().name,
          .display_name = universe.population().display_name,
          .primary_id_type = universe.population().primary_id_type,
          .user_count = snapshot->user_count(),
          .data_version = snapshot->data_version(),
          .tag_count = static_cast<uint32_t>(view.List().size())};
}

}  // namespace

absl::StatusOr<PopulationInfo> Populations::Create(const CallContext& context,
                                                   const PopulationInfo& population,
                                                   std::string_view request_id) {
  THRONG_RETURN_IF_ERROR(Check(population));
  // A retry of a create finds the population as asked for: that is its first answer.
  if (const auto existing = universes_.Find(population.name);
      existing.ok() && !request_id.empty()) {
    const storage::Population& stored = (*existing)->population();
    if (stored.display_name == population.display_name &&
        stored.primary_id_type == population.primary_id_type) {
      return Describe(context, **existing);
    }
  }
  if (universes_.List().size() >= kPopulationsMax) {
    return index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_POPULATIONS",
                                "the number of populations", kPopulationsMax, kPopulationsMax + 1);
  }
  storage::Store& store = *universes_.environment().store;
  const auto created =
      store.CreatePopulation(population.name, population.display_name, population.primary_id_type);
  if (!created.ok()) return created.status();
  THRONG_ASSIGN_OR_RETURN(storage::LoadedPopulation loaded,
                          store.Load(created->id, *universes_.environment().parallel, {}));
  universes_.Add(*created, std::move(loaded));
  return Get(context, population.name);
}

absl::StatusOr<PopulationInfo> Populations::Get(const CallContext& context, std::string_view name) {
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(name));
  return Describe(context, *universe);
}

absl::StatusOr<std::vector<PopulationInfo>> Populations::List(const CallContext& context) {
  std::vector<PopulationInfo> all;
  for (const auto& universe : universes_.List()) all.push_back(Describe(context, *universe));
  return all;
}

}  // namespace throng::engine
