// Who may call, and with which rights: what an access file says.
//
//   absl::StatusOr<const Principal*> cms = list.FindByToken(token, now_us);
//   if (!cms.ok()) return cms.status();                        // UNAUTHENTICATED
//   std::optional<Extent> extent = (*cms)->ExtentFor(Right::kExport, "renters");
//   // nullopt: not allowed; else tags up to extent->sensitivity_max are visible
#ifndef THRONG_SERVER_ACCESS_ACCESS_LIST_H_
#define THRONG_SERVER_ACCESS_ACCESS_LIST_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/access/rights.h"
#include "server/access/token.h"

namespace throng::access {

inline constexpr std::string_view kEveryPopulation = "*";

// A value; thread-compatible.
struct Grant {
  std::string population;          // kEveryPopulation, also those to come
  std::vector<std::string> roles;  // as written
  RightSet rights;                 // of `roles`
  int sensitivity_max = 0;         // tags above it do not exist for the caller
  uint64_t minimum_count = 0;      // fewer users are not told; 0: any number is
};

// With what a right comes. A value; thread-compatible.
struct Extent {
  int sensitivity_max = 0;
  uint64_t minimum_count = 0;
};

// What both allow.
Extent Narrower(const Extent& a, const Extent& b);

// Somebody who calls. A value; thread-compatible.
struct Principal {
  std::string name;
  std::optional<TokenDigest> token;  // of a bearer token
  std::string subject;               // of a client certificate, as RFC 2253 writes it; empty: none
  int64_t expires_us = 0;            // Unix microseconds; 0: never
  bool revoked = false;
  std::vector<Grant> grants;

  // With what `right` comes in `population`: that of the grant with the highest sensitivity, and of
  // several such the one with the least minimum. nullopt: the principal has not that right there.
  std::optional<Extent> ExtentFor(Right right, std::string_view population) const;
  // The same for what concerns every population and the server itself.
  std::optional<Extent> ExtentEverywhere(Right right) const;
  // For what belongs to no population: what all grants with the right allow.
  std::optional<Extent> ExtentAnywhere(Right right) const;
  // Whether the principal has any right in the population.
  bool Knows(std::string_view population) const;
};

// Thread-safe: immutable.
class AccessList {
 public:
  // REQUIRES: names, tokens and subjects are unique.
  explicit AccessList(std::vector<Principal> principals);
  AccessList(const AccessList&) = delete;
  AccessList& operator=(const AccessList&) = delete;

  // Valid as long as the list. `now_us`: Unix microseconds. Errors: kUnauthenticated (BAD_TOKEN,
  // TOKEN_EXPIRED, TOKEN_REVOKED).
  absl::StatusOr<const Principal*> FindByToken(std::string_view token, int64_t now_us) const;
  // Of a certificate that was verified. Errors: kUnauthenticated (UNKNOWN_SUBJECT,
  // TOKEN_EXPIRED, TOKEN_REVOKED).
  absl::StatusOr<const Principal*> FindBySubject(std::string_view subject, int64_t now_us) const;
  // Null: nobody has that name.
  const Principal* FindByName(std::string_view name) const;

  const std::vector<Principal>& principals() const { return principals_; }

 private:
  const std::vector<Principal> principals_;
  absl::flat_hash_map<TokenDigest, const Principal*> by_token_;
  std::map<std::string_view, const Principal*> by_subject_;
  std::map<std::string_view, const Principal*> by_name_;
};

// Whether the principal is neither revoked nor expired. Errors: kUnauthenticated (TOKEN_EXPIRED,
// TOKEN_REVOKED).
absl::Status CheckValid(const Principal& principal, int64_t now_us);

}  // namespace throng::access

#endif  // THRONG_SERVER_ACCESS_ACCESS_LIST_H_
