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
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

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

// The level with which `right` comes for all that the request concerns.
absl::StatusOr<int> LevelFor(const AccessRule& rule, const google::protobuf::Message& request,
                             const Principal& principal, Right right) {
  std::optional<int> level;
  if (rule.scope == Scope::kAnyPopulation) {
    level = principal.SensitivityAnywhere(right);
    if (level.has_value()) return *level;
    return NoRight(principal, right, "any population");
  }
  const auto everywhere = [&]() -> absl::StatusOr<int> {
    const std::optional<int> highest = principal.SensitivityEverywhere(right);
    if (highest.has_value()) return *highest;
    return NoRight(principal, right, "every population");
  };
  if (rule.scope == Scope::kServer) return everywhere();
  THRONG_ASSIGN_OR_RETURN(const std::vector<std::string> names, PopulationsOf(rule, request));
  if (names.empty()) return everywhere();
  for (const std::string& name : names) {
    const std::optional<int> here = principal.SensitivityFor(right, name);
    if (!here.has_value()) return NoRight(principal, right, fmt::format("population {}", name));
    level = std::min(level.value_or(*here), *here);
  }
  return *level;
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
                                  const Admitted& who, engine::CallContext* caller) const {
  if (who.principal == nullptr) return absl::OkStatus();
  THRONG_ASSIGN_OR_RETURN(int level, LevelFor(rule, request, *who.principal, rule.right));
  if (IsSetAt(request, rule.guarded)) {
    THRONG_ASSIGN_OR_RETURN(const int guarded,
                            LevelFor(rule, request, *who.principal, rule.guarded_right));
    level = std::min(level, guarded);
  }
  caller->principal = who.principal->name;
  caller->visibility.sensitivity_max = level;
  return absl::OkStatus();
}

absl::Status Admission::Recheck(const Admitted& who) const {
  if (who.principal == nullptr) return absl::OkStatus();
  const int64_t now_us = NowMicroseconds();
  if (guards_.access->generation() == who.generation) {
    return access::CheckValid(*who.principal, now_us);
  }
  const std::shared_ptr<const access::AccessList> list = guards_.access->Current();
  const Principal* now = list->FindByName(who.principal->name);
  if (now == nullptr || now->token != who.principal->token ||
      now->subject != who.principal->subject) {
    return Unauthenticated("TOKEN_REVOKED",
                           fmt::format("the access of \"{}\" is no more", who.principal->name));
  }
  return access::CheckValid(*now, now_us);
}

}  // namespace throng::service
