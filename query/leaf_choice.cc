#include "query/leaf_choice.h"

namespace throng::query {

std::string_view ToString(LeafForm form) {
  switch (form) {
    case LeafForm::kNothing:
      return "nothing";
    case LeafForm::kCardinality:
      return "cardinality";
    case LeafForm::kBitmap:
      return "bitmap";
    case LeafForm::kUnite:
      return "unite";
    case LeafForm::kProbe:
      return "probe";
    case LeafForm::kCodes:
      return "codes";
    case LeafForm::kLookUp:
      return "look_up";
    case LeafForm::kScan:
      return "scan";
    case LeafForm::kHash:
      return "hash";
  }
  return "";
}

UnionWork WorkOf(std::span<const uint32_t> cardinalities) {
  UnionWork work;
  for (const uint64_t users : cardinalities) {
    work.users += users;
    work.unite_cost += UniteCost(users);
    work.probe_cost += TestCost(users);
  }
  return work;
}

}  // namespace throng::query
