#include "benchmarks/reference.h"

#include <utility>

namespace throng::bench {
namespace {

constexpr uint32_t kSliceBits = 17;  // the largest number is 100,000

Roaring BitmapOf(const std::vector<uint32_t>& users) {
  Roaring bitmap(roaring_bitmap_of_ptr(users.size(), users.data()));
  roaring_bitmap_run_optimize(bitmap.get());
  roaring_bitmap_shrink_to_fit(bitmap.get());
  return bitmap;
}

std::vector<Roaring> BitmapsOf(const std::vector<std::vector<uint32_t>>& lists) {
  std::vector<Roaring> bitmaps;
  for (const std::vector<uint32_t>& users : lists) bitmaps.push_back(BitmapOf(users));
  return bitmaps;
}

std::vector<std::vector<uint32_t>> UsersOf(const BenchColumn& column, uint32_t users) {
  const index::TagType type = column.definition.type;
  const bool numeric = index::IsNumeric(type);
  std::vector<std::vector<uint32_t>> lists(numeric                         ? kSliceBits
                                           : type == index::TagType::kFlag ? 1
                                                                           : column.values);
  for (uint32_t user = 0; user < users; ++user) {
    if (type == index::TagType::kLabels) {
      for (uint32_t i = user == 0 ? 0 : column.label_ends[user - 1]; i < column.label_ends[user];
           ++i) {
        lists[column.labels[i]].push_back(user);
      }
      continue;
    }
    const auto cell = static_cast<uint32_t>(column.cells[user]);
    if (numeric) {
      for (uint32_t bit = 0; bit < kSliceBits; ++bit) {
        if ((cell >> bit & 1) != 0) lists[bit].push_back(user);
      }
    } else if (type == index::TagType::kCategory) {
      lists[cell].push_back(user);
    } else if (cell != 0) {
      lists[0].push_back(user);
    }
  }
  return lists;
}

}  // namespace

Reference::Reference(const BenchPopulation& population)
    : everybody_(roaring_bitmap_from_range(0, population.users, 1)) {
  for (const BenchColumn& column : population.columns) {
    values_[column.definition.name] = BitmapsOf(UsersOf(column, population.users));
  }
}

const roaring_bitmap_t* Reference::Value(const std::string& tag, uint32_t code) const {
  return values_.at(tag)[code].get();
}

uint32_t Reference::value_count(const std::string& tag) const {
  return static_cast<uint32_t>(values_.at(tag).size());
}

// O'Neil and Quass, algorithm 4.2: from the highest bit down, `greater` collects those already
// known to be above and `equal` those that still have the same bits as `low`.
Roaring Reference::AtLeast(const std::string& tag, uint32_t low) const {
  const std::vector<Roaring>& slices = values_.at(tag);
  Roaring greater(roaring_bitmap_create());
  Roaring equal(roaring_bitmap_copy(everybody_.get()));
  for (uint32_t bit = kSliceBits; bit-- > 0;) {
    if ((low >> bit & 1) != 0) {
      roaring_bitmap_and_inplace(equal.get(), slices[bit].get());
    } else {
      const Roaring above(roaring_bitmap_and(equal.get(), slices[bit].get()));
      roaring_bitmap_or_inplace(greater.get(), above.get());
      roaring_bitmap_andnot_inplace(equal.get(), slices[bit].get());
    }
  }
  roaring_bitmap_or_inplace(greater.get(), equal.get());
  return greater;
}

Roaring Reference::Between(const std::string& tag, uint32_t low, uint32_t high) const {
  Roaring users = AtLeast(tag, low);
  const Roaring above = AtLeast(tag, high + 1);
  roaring_bitmap_andnot_inplace(users.get(), above.get());
  return users;
}

Roaring Reference::AnyOf(const std::string& tag, const std::vector<uint32_t>& codes) const {
  std::vector<const roaring_bitmap_t*> bitmaps;
  for (uint32_t code : codes) bitmaps.push_back(Value(tag, code));
  return Roaring(
      roaring_bitmap_or_many_heap(static_cast<uint32_t>(bitmaps.size()), bitmaps.data()));
}

size_t Reference::serialized_bytes() const {
  size_t bytes = 0;
  for (const auto& [tag, bitmaps] : values_) {
    for (const Roaring& bitmap : bitmaps)
      bytes += roaring_bitmap_portable_size_in_bytes(bitmap.get());
  }
  return bytes;
}

}  // namespace throng::bench
