// What a good engineer would write in an afternoon: whole bitmaps and CRoaring's own calls.
//
//   Reference reference(population, parallel);
//   Roaring active = reference.AtLeast("views_7d", 4);
//   roaring_bitmap_and_cardinality(reference.Value("city", 3), active.get());
//
// Each value of a tag is one run-optimised bitmap over all users; numbers are bit slices (O'Neil
// and Quass, "Improved query performance with variant indexes", SIGMOD 1997), as many as the
// largest number needs.
#ifndef THRONG_BENCHMARKS_REFERENCE_H_
#define THRONG_BENCHMARKS_REFERENCE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/bench_population.h"
#include "index/parallel.h"
#include "roaring/roaring.h"

namespace throng::bench {

struct FreeRoaring {
  void operator()(roaring_bitmap_t* bitmap) const { roaring_bitmap_free(bitmap); }
};
using Roaring = std::unique_ptr<roaring_bitmap_t, FreeRoaring>;

// Thread-safe once made. Does not keep the population.
class Reference {
 public:
  // Makes bitmaps on the threads of `parallel`; everything else runs on the caller's alone.
  Reference(const BenchPopulation& population, index::Parallel& parallel);

  // FLAG: code 0.
  const roaring_bitmap_t* Value(const std::string& tag, uint32_t code) const;
  uint32_t value_count(const std::string& tag) const;
  // Users whose number is at least `low`, in bit slices. Every user has one.
  Roaring AtLeast(const std::string& tag, uint32_t low) const;
  Roaring Between(const std::string& tag, uint32_t low, uint32_t high) const;
  Roaring AnyOf(const std::string& tag, const std::vector<uint32_t>& codes) const;
  // Sum of the numbers of `users`.
  uint64_t Sum(const std::string& tag, const roaring_bitmap_t* users) const;
  // The text of each user's id.
  const std::vector<std::string>& ids() const { return ids_; }
  // Bytes of all bitmaps, serialized.
  size_t serialized_bytes() const;

 private:
  std::map<std::string, std::vector<Roaring>> values_;  // bitmaps by code, or slices by bit
  Roaring everybody_;
  std::vector<std::string> ids_;
};

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_REFERENCE_H_
