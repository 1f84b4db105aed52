#include "benchmarks/reference.h"

#include <algorithm>

namespace throng::bench {
namespace {

// Users are added so many at a time: their lists stay in the cache.
constexpr uint32_t kUsersAtOnce = 65'536;

size_t BitmapCount(const BenchTag& tag) {
  if (index::IsNumeric(tag.type)) return static_cast<size_t>(tag.bits);
  return tag.type == index::TagType::kFlag ? 1 : tag.values;
}

// Adds the users [first, last) to the lists of the bitmaps that have them.
void List(const BenchColumn& column, uint32_t first, uint32_t last,
          std::vector<std::vector<uint32_t>>* lists) {
  for (uint32_t user = first; user < last; ++user) {
    if (column.tag.type == index::TagType::kLabels) {
      for (uint32_t i = column.label_begin(user); i < column.label_ends[user]; ++i) {
        (*lists)[column.labels[i]].push_back(user);
      }
      continue;
    }
    const uint32_t cell = column.cells[user];
    if (index::IsNumeric(column.tag.type)) {
      for (uint32_t bit = 0; bit < lists->size(); ++bit) {
        if ((cell >> bit & 1) != 0) (*lists)[bit].push_back(user);
      }
    } else if (column.tag.type == index::TagType::kCategory) {
      (*lists)[cell].push_back(user);
    } else if (cell != 0) {
      (*lists)[0].push_back(user);
    }
  }
}

std::vector<Roaring> BitmapsOf(const BenchColumn& column, uint32_t users) {
  std::vector<Roaring> bitmaps(BitmapCount(column.tag));
  for (Roaring& bitmap : bitmaps) bitmap.reset(roaring_bitmap_create());
  std::vector<std::vector<uint32_t>> lists(bitmaps.size());
  for (uint32_t first = 0; first < users; first += kUsersAtOnce) {
    List(column, first, first + std::min(users - first, kUsersAtOnce), &lists);
    for (size_t i = 0; i < lists.size(); ++i) {
      roaring_bitmap_add_many(bitmaps[i].get(), lists[i].size(), lists[i].data());
      lists[i].clear();
    }
  }
  for (const Roaring& bitmap : bitmaps) {
    roaring_bitmap_run_optimize(bitmap.get());
    roaring_bitmap_shrink_to_fit(bitmap.get());
  }
  return bitmaps;
}

}  // namespace

Reference::Reference(const BenchPopulation& population, index::Parallel& parallel)
    : everybody_(roaring_bitmap_from_range(0, population.users, 1)) {
  for (const BenchColumn& column : population.columns) values_[column.tag.name];
  parallel.For(static_cast<uint32_t>(population.columns.size()), [&](uint32_t i, uint32_t) {
    const BenchColumn& column = population.columns[i];
    values_.at(column.tag.name) = BitmapsOf(column, population.users);
  });
  ids_.reserve(population.users);
  for (uint32_t user = 0; user < population.users; ++user) ids_.push_back(BenchId(user));
}

const roaring_bitmap_t* Reference::Value(const std::string& tag, uint32_t code) const {
  return values_.at(tag)[code].get();
}

uint32_t Reference::value_count(const std::string& tag) const {
  return static_cast<uint32_t>(values_.at(tag).size());
}

// O'Neil and Quass, algorithm 4.2: from the highest bit down, `greater` collects those already
// known to be above and `equal` those that still have the same bits as `low`. REQUIRES: `low` has
// no bit beyond the slices.
Roaring Reference::AtLeast(const std::string& tag, uint32_t low) const {
  const std::vector<Roaring>& slices = values_.at(tag);
  Roaring greater(roaring_bitmap_create());
  Roaring equal(roaring_bitmap_copy(everybody_.get()));
  for (size_t bit = slices.size(); bit-- > 0;) {
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
  Roaring users = low == 0 ? Roaring(roaring_bitmap_copy(everybody_.get())) : AtLeast(tag, low);
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

uint64_t Reference::Sum(const std::string& tag, const roaring_bitmap_t* users) const {
  const std::vector<Roaring>& slices = values_.at(tag);
  uint64_t sum = 0;
  for (size_t bit = 0; bit < slices.size(); ++bit) {
    sum += roaring_bitmap_and_cardinality(users, slices[bit].get()) << bit;
  }
  return sum;
}

size_t Reference::serialized_bytes() const {
  size_t bytes = 0;
  for (const auto& [tag, bitmaps] : values_) {
    for (const Roaring& bitmap : bitmaps) {
      bytes += roaring_bitmap_portable_size_in_bytes(bitmap.get());
    }
  }
  return bytes;
}

}  // namespace throng::bench
