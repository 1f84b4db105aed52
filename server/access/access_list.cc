#include "server/access/access_list.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"

namespace throng::access {
namespace {

absl::Status Unauthenticated(std::string_view reason, std::string_view message) {
  return index::MakeError(absl::StatusCode::kUnauthenticated, message,
                          {.reason = std::string(reason)});
}

bool Covers(const Grant& grant, std::string_view population) {
  return grant.population == kEveryPopulation || grant.population == population;
}

// One of both, never a mixture: who may count few users of public tags and many of sensitive ones
// may not count few of sensitive ones.
Extent Wider(const Extent& a, const Extent& b) {
  if (a.sensitivity_max != b.sensitivity_max) return a.sensitivity_max > b.sensitivity_max ? a : b;
  return a.minimum_count < b.minimum_count ? a : b;
}

// Of the grants that `fits` takes, joined by `join`.
template <typename Fits>
std::optional<Extent> ExtentOf(const std::vector<Grant>& grants,
                               Extent (*join)(const Extent&, const Extent&), const Fits& fits) {
  std::optional<Extent> extent;
  for (const Grant& grant : grants) {
    if (!fits(grant)) continue;
    const Extent here{.sensitivity_max = grant.sensitivity_max,
                      .minimum_count = grant.minimum_count};
    extent = extent.has_value() ? join(*extent, here) : here;
  }
  return extent;
}

}  // namespace

Extent Narrower(const Extent& a, const Extent& b) {
  return {.sensitivity_max = std::min(a.sensitivity_max, b.sensitivity_max),
          .minimum_count = std::max(a.minimum_count, b.minimum_count)};
}

std::optional<Extent> Principal::ExtentFor(Right right, std::string_view population) const {
  return ExtentOf(grants, &Wider, [&](const Grant& grant) {
    return grant.rights.Has(right) && Covers(grant, population);
  });
}

std::optional<Extent> Principal::ExtentEverywhere(Right right) const {
  return ExtentOf(grants, &Wider, [&](const Grant& grant) {
    return grant.rights.Has(right) && grant.population == kEveryPopulation;
  });
}

std::optional<Extent> Principal::ExtentAnywhere(Right right) const {
  return ExtentOf(grants, &Narrower, [&](const Grant& grant) { return grant.rights.Has(right); });
}

bool Principal::Knows(std::string_view population) const {
  return std::any_of(grants.begin(), grants.end(),
                     [&](const Grant& grant) { return Covers(grant, population); });
}

absl::Status CheckValid(const Principal& principal, int64_t now_us) {
  if (principal.revoked) {
    return Unauthenticated("TOKEN_REVOKED",
                           fmt::format("the access of \"{}\" was revoked", principal.name));
  }
  if (principal.expires_us != 0 && now_us >= principal.expires_us) {
    return Unauthenticated(
        "TOKEN_EXPIRED",
        fmt::format("the access of \"{}\" has expired: ask for a new token", principal.name));
  }
  return absl::OkStatus();
}

AccessList::AccessList(std::vector<Principal> principals) : principals_(std::move(principals)) {
  for (const Principal& principal : principals_) {
    by_name_.emplace(principal.name, &principal);
    if (principal.token.has_value()) by_token_.emplace(*principal.token, &principal);
    if (!principal.subject.empty()) by_subject_.emplace(principal.subject, &principal);
  }
}

absl::StatusOr<const Principal*> AccessList::FindByToken(std::string_view token,
                                                         int64_t now_us) const {
  constexpr std::string_view kUnknown = "the token is not known here";
  if (token.size() > kTokenBytesMax) return Unauthenticated("BAD_TOKEN", kUnknown);
  const TokenDigest digest = DigestOf(token);
  const auto found = by_token_.find(digest);
  // The table's own comparison may stop at the first difference; this one decides.
  if (found == by_token_.end() || !SameDigest(found->first, digest)) {
    return Unauthenticated("BAD_TOKEN", kUnknown);
  }
  THRONG_RETURN_IF_ERROR(CheckValid(*found->second, now_us));
  return found->second;
}

absl::StatusOr<const Principal*> AccessList::FindBySubject(std::string_view subject,
                                                           int64_t now_us) const {
  const auto found = by_subject_.find(subject);
  if (found == by_subject_.end()) {
    return Unauthenticated(
        "UNKNOWN_SUBJECT",
        fmt::format("the client certificate's subject \"{}\" has no access here", subject));
  }
  THRONG_RETURN_IF_ERROR(CheckValid(*found->second, now_us));
  return found->second;
}

const Principal* AccessList::FindByName(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

}  // namespace throng::access
