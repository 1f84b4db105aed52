// What a good engineer would write in an afternoon: whole bitmaps and CRoaring's own calls.
//
//   Reference reference(population);
//   Roaring active = reference.AtLeast("views_7d", 4);
//   roaring_bitmap_and_cardinality(reference.Value("city", 3), active.get());
//
// Each value of a tag is one run-optimised bitmap over all users; numbers are bit slices (O'Neil
// and Quass, "Improved query performance with variant indexes", SIGMOD 1997).
#ifndef THRONG_BENCHMARKS_REFERENCE_H_
#define THRONG_BENCHMARKS_REFERENCE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/bench_population.h"
#include "roaring/roaring.h"

namespace throng::bench {

struct FreeRoaring {
  void operator()(roaring_bitmap_t* bitmap) const { roaring_bitmap_free(bitmap); }
};
using Roaring = std::unique_ptr<roaring_bitmap_t, FreeRoaring>;

// Thread-safe once made.
class Reference {
 public:
  explicit Reference(const BenchPopulation& population);

  // FLAG: code 0.
  const roaring_bitmap_t* Value(const std::string& tag, uint32_t code) const;
  uint32_t value_count(const std::string& tag) const;
  // Users whose number is at least `low`, in bit slices. Every user has one.
  Roaring AtLeast(const std::string& tag, uint32_t low) const;
  Roaring Between(const std::string& tag, uint32_t low, uint32_t high) const;
  Roaring AnyOf(const std::string& tag, const std::vector<uint32_t>& codes) const;
  // Bytes of all bitmaps, serialized.
  size_t serialized_bytes() const;

 private:
  std::map<std::string, std::vector<Roaring>> values_;  // bitmaps by code, or slices by bit
  Roaring everybody_;
};

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_REFERENCE_H_
