// A small catalogue and a few users for tests of the resolver and the linter.
//
//   ResolverFixture fixture;
//   fixture.Plan("city = 'Paris'");                    // "city in {Paris}"
//   fixture.Plan("citty = 'Paris'");                   // "UNKNOWN_TAG 1:1+5 ... -> city"
//   fixture.Warnings("city = 'Pariss'");               // {"UNKNOWN_VALUE 1:8+8", ...}
#ifndef THRONG_TESTS_QUERY_RESOLVER_FIXTURE_H_
#define THRONG_TESTS_QUERY_RESOLVER_FIXTURE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/catalogue.h"
#include "query/resolver.h"

namespace throng::query {

// Users 0, 1, 2 have the ids "u0", "u1", "7". Not thread-safe.
class ResolverFixture {
 public:
  ResolverFixture();

  // The clock: Friday 2024-05-31 10:20:30.5 UTC unless changed.
  void SetClock(std::string_view zone, int64_t reference_us);
  void SetClock(std::string_view zone, std::string_view rfc3339);

  absl::StatusOr<Resolved> ResolveText(std::string_view text) const;
  absl::StatusOr<Resolved> ResolveTree(const Expression& expression) const;
  // The plan, or the error as "REASON line:column+length expected -> suggestion".
  std::string Plan(std::string_view text) const;
  std::string Plan(const Expression& expression) const;
  // "REASON line:column+length" each.
  std::vector<std::string> Warnings(std::string_view text) const;
  const index::Catalogue& catalogue() const { return *catalogue_; }

 private:
  std::string Print(const absl::StatusOr<Resolved>& resolved) const;

  std::shared_ptr<const index::Catalogue> catalogue_;
  TimeContext time_;
};

}  // namespace throng::query

#endif  // THRONG_TESTS_QUERY_RESOLVER_FIXTURE_H_
