// What is wrong with a data directory: collected, so that one pass names all of it.
//
//   Findings findings(1'000);
//   findings.Add({.where = "blocks: population 1, tag 5, ...", .what = "the checksum does not
//   match",
//                 .population = 1, .tag = 5});
//   findings.Take();
#ifndef THRONG_STORAGE_FINDINGS_H_
#define THRONG_STORAGE_FINDINGS_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "index/mutex.h"

namespace throng::storage {

// A value; thread-compatible.
struct Finding {
  std::string where;        // the file, key or range
  std::string what;         // what is wrong with it
  uint32_t population = 0;  // 0: none in particular
  uint32_t tag = 0;         // to be reloaded; 0: no single tag
};

// The finding that an error of reading is: its place is the key or file that it names.
Finding FindingOf(const absl::Status& error, uint32_t population, uint32_t tag);

// Thread-safe.
class Findings {
 public:
  // Those behind the first `most` are only counted.
  explicit Findings(size_t most) : most_(most) {}

  // A second finding of the same place is left out.
  void Add(Finding finding);
  bool empty() const { return count() == 0; }
  size_t count() const;
  // Of this population, or of none in particular.
  bool Has(uint32_t population) const;
  // In the order they came.
  std::vector<Finding> Take();

 private:
  const size_t most_;
  mutable index::Mutex mutex_;
  std::vector<Finding> list_ THRONG_GUARDED_BY(mutex_);
  std::set<std::string> places_ THRONG_GUARDED_BY(mutex_);
  std::set<uint32_t> populations_ THRONG_GUARDED_BY(mutex_);
  size_t count_ THRONG_GUARDED_BY(mutex_) = 0;
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_FINDINGS_H_
