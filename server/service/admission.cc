#include "server/service/admission.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "fmt/format.h"
#include "grpc/grpc_security_constants.h"
#include "index/error.h"
#include "server/service/minimum_rules.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

using access::Extent;
using access::Principal;
using access::Right;

constexpr const char* kAuthorization = "authorization";
constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kPopulations = "populations/";
constexpr size_t kPopulationBytesMax = 63;

int64_t NowMicroseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

absl::Status Unauthenticated(std::string_view reason, std::string_view message) {
  return index::MakeError(absl::StatusCode::kUnauthenticated, message,
                          {.reason = std::string(reason)});
}

// The bearer token of the call's metadata; nullopt: there is no `authorization`.
absl::StatusOr<std::optional<std::string_view>> TokenOf(
    const grpc::CallbackServerContext& context) {
  const auto [first, end] = context.client_metadata().equal_range(kAuthorization);
  if (first == end) return std::nullopt;
  const std::string_view value(first->second.data(), first->second.size());
  const bool is_bearer =
      value.size() > kBearer.size() && std::next(first) == end &&
      absl::StartsWithIgnoreCase({value.data(), value.size()}, {kBearer.data(), kBearer.size()});
  if (is_bearer) return value.substr(kBearer.size());
  return Unauthenticated("BAD_TOKEN",
                         "the call's metadata must have one authorization: Bearer TOKEN");
}

// Of the client certificate, which the handshake has verified; nullopt: there is none.
std::optional<std::string> SubjectOf(const grpc::CallbackServerContext& context) {
  const auto auth = context.auth_context();
  if (auth == nullptr) return std::nullopt;
  const auto subjects = auth->FindPropertyValues(GRPC_X509_SUBJECT_PROPERTY_NAME);
  if (subjects.size() != 1) return std::nullopt;
  return std::string(subjects.front().data(), subjects.front().size());
}

absl::StatusOr<const Principal*> FindCaller(const access::AccessList& list,
                                            const grpc::CallbackServerContext& context) {
  THRONG_ASSIGN_OR_RETURN(const std::optional<std::string_view> token, TokenOf(context));
  if (token.has_value()) return list.FindByToken(*token, NowMicroseconds());
  const std::optional<std::string> subject = SubjectOf(context);
  if (subject.has_value()) return list.FindBySubject(*subject, NowMicroseconds());
  return Unauthenticated("NO_CREDENTIALS",
                         "the call says nothing of who makes it: send a bearer token "
                         "(throng: THRONG_TOKEN) or a client certificate");
}

absl::Status NoRight(const Principal& principal, Right right, std::string_view where) {
  return index::MakeError(
      absl::StatusCode::kPermissionDenied,
      fmt::format("\"{}\" has not the right {} in {}", principal.name, access::RightName(right),
                  where),
      {.reason = "NO_RIGHT", .expected = std::string(access::RightName(right))});
}

// With what `right` comes for all that the request concerns.
absl::StatusOr<Extent> FindExtent(Scope scope, const std::vector<std::string>& populations,
                                  const Principal& principal, Right right) {
  if (scope == Scope::kAnyPopulation) {
    const std::optional<Extent> least = principal.ExtentAnywhere(right);
    if (least.has_value()) return *least;
    return NoRight(principal, right, "any population");
  }
  const auto everywhere = [&]() -> absl::StatusOr<Extent> {
    const std::optional<Extent> most = principal.ExtentEverywhere(right);
    if (most.has_value()) return *most;
    return NoRight(principal, right, "every population");
  };
  if (scope == Scope::kServer || populations.empty()) return everywhere();
  std::optional<Extent> extent;
  for (const std::string& name : populations) {
    const std::optional<Extent> here = principal.ExtentFor(right, name);
    if (!here.has_value()) return NoRight(principal, right, fmt::format("population {}", name));
    extent = extent.has_value() ? access::Narrower(*extent, *here) : *here;
  }
  return *extent;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> PopulationsOf(const AccessRule& rule,
                                                       const google::protobuf::Message& request) {
  std::set<std::string, std::less<>> names;
  absl::Status status;
  const auto add = [&](std::string_view name) {
    if (name.empty() && rule.scope == Scope::kPopulationsOrAll) return;
    std::string_view population = kDefaultPopulation;
    if (!name.empty()) {
      population = name.starts_with(kPopulations) ? name.substr(kPopulations.size()) : "";
      population = population.substr(0, population.find('/'));
    }
    if (population.empty() || population.size() > kPopulationBytesMax) {
      status.Update(index::InvalidArgument("BAD_RESOURCE_NAME", "",
                                           "a population is named populations/POPULATION"));
    } else if (names.find(population) == names.end()) {
      names.emplace(population);
    }
  };
  bool any = false;
  for (const MessagePath& path : rule.populations) {
    ForEachText(request, path, [&](std::string_view name) {
      any = true;
      add(name);
    });
  }
  if (!any && rule.scope == Scope::kPopulations) add("");
  if (!status.ok()) return status;
  return std::vector<std::string>(names.begin(), names.end());
}

absl::StatusOr<Admitted> Admission::Authenticate(const grpc::CallbackServerContext& context) const {
  Admitted who;
  if (guards_.audit != nullptr) who.peer = context.peer();
  if (guards_.access == nullptr) return who;
  who.generation = guards_.access->generation();
  who.list = guards_.access->Current();
  THRONG_ASSIGN_OR_RETURN(who.principal, FindCaller(*who.list, context));
  return who;
}

absl::Status Admission::Authorize(const AccessRule& rule, const google::protobuf::Message& request,
                                  Admitted* who, engine::CallContext* caller,
                                  std::vector<std::string>* populations) const {
  if (who->principal == nullptr && populations == nullptr) return absl::OkStatus();
  absl::StatusOr<std::vector<std::string>> names = PopulationsOf(rule, request);
  if (populations != nullptr && names.ok()) *populations = *names;
  if (who->principal == nullptr) return absl::OkStatus();
  const bool needs_names = rule.scope != Scope::kAnyPopulation && rule.scope != Scope::kServer;
  if (needs_names && !names.ok()) return names.status();
  const auto find = [&](Right right) {
    return FindExtent(rule.scope, names.ok() ? *names : std::vector<std::string>(), *who->principal,
                      right);
  };
  THRONG_ASSIGN_OR_RETURN(Extent extent, find(rule.right));
  if (IsSetAt(request, rule.guarded)) {
    THRONG_ASSIGN_OR_RETURN(const Extent guarded, find(rule.guarded_right));
    extent = access::Narrower(extent, guarded);
  }
  if (extent.minimum_count > 0 && rule.minds_minimum) {
    THRONG_RETURN_IF_ERROR(CheckMinimumAllows(rule.method, request, extent.minimum_count));
  }
  caller->principal = who->principal->name;
  caller->visibility.sensitivity_max = extent.sensitivity_max;
  who->minimum_count = extent.minimum_count;
  return absl::OkStatus();
}

absl::Status Admission::Recheck(const Admitted& who) const {
  if (who.principal == nullptr) return absl::OkStatus();
  if (guards_.access->generation() == who.generation) {
    return access::CheckValid(*who.principal, NowMicroseconds());
  }
  return Renew(who).status();
}

absl::StatusOr<Admitted> Admission::Renew(const Admitted& who) const {
  Admitted now = who;
  if (who.principal == nullptr) return now;
  now.generation = guards_.access->generation();
  now.list = guards_.access->Current();
  now.principal = now.list->FindByName(who.principal->name);
  if (now.principal == nullptr || now.principal->token != who.principal->token ||
      now.principal->subject != who.principal->subject) {
    return Unauthenticated("TOKEN_REVOKED",
                           fmt::format("the access of \"{}\" is no more", who.principal->name));
  }
  THRONG_RETURN_IF_ERROR(access::CheckValid(*now.principal, NowMicroseconds()));
  return now;
}

}  // namespace throng::service
