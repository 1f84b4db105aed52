#include "server/token_command.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fmt/format.h"
#include "index/error.h"
#include "nlohmann/json.hpp"
#include "server/access/access_file.h"
#include "server/access/audit_log.h"
#include "server/access/token.h"

namespace throng {
namespace {

using Json = nlohmann::ordered_json;
using access::Grant;
using access::Principal;

constexpr int kExitDone = 0;
constexpr int kExitRefused = 1;
constexpr int64_t kMicroseconds = 1'000'000;

constexpr const char* kCreateFooter =
    R"help(The token is printed once, to stdout, and nowhere kept: the file has its SHA-256.
  throngd token create cms --population renters --role operator --role upload --expires 90d
  throngd token create agency --role viewer --minimum-count 100
  throngd token create nightly-load --role loader --sensitivity 9 --expires 2027-01-31
  throngd token create crm --subject "CN=crm,O=Example" --role viewer     # by client certificate
Roles: viewer, operator, loader, exporter, admin; alone: check, export, portrait, upload, erase.
Other grants, of other populations, are added in the file (docs/security.md).)help";

// What the command line says. A value.
struct Flags {
  std::string file = "access.toml";
  std::string name;
  std::string subject;
  std::vector<std::string> populations = {"default"};
  std::vector<std::string> roles;
  int sensitivity = 0;
  uint64_t minimum_count = 0;
  std::string expires;
  bool json = false;
  std::string audit_log;  // of audit-hash
  std::string id;
};

int Report(const absl::Status& status, bool json) {
  const std::string message(status.message());
  if (json) {
    const Json error = {{"code", absl::StatusCodeToString(status.code())}, {"message", message}};
    fmt::print("{}\n", Json({{"error", error}}).dump());
  } else {
    fmt::print(stderr, "error: {}\n", message);
  }
  return kExitRefused;
}

int64_t NowMicroseconds() { return absl::ToUnixMicros(absl::Now()); }

// "90d", "12h", a day, or a time with its zone.
absl::StatusOr<int64_t> ToExpiry(const std::string& text) {
  if (text.empty()) return 0;
  const std::string hours =
      text.ends_with('d') ? fmt::format("{}h", text.substr(0, text.size() - 1)) : text;
  absl::Duration after;
  if (absl::ParseDuration(hours, &after)) {
    if (text.ends_with('d')) after *= 24;
    if (after > absl::ZeroDuration() && after < absl::Hours(24 * 36'500)) {
      return absl::ToUnixMicros(absl::Now() + after) / kMicroseconds * kMicroseconds;
    }
  }
  absl::Time time;
  std::string error;
  for (const char* form : {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%Ez"}) {
    if (!absl::ParseTime(form, text, &time, &error)) continue;
    if (time > absl::Now()) return absl::ToUnixMicros(time);
    return absl::InvalidArgumentError(fmt::format("--expires: {} is past", text));
  }
  return absl::InvalidArgumentError(fmt::format(
      "--expires: \"{}\" is neither a time from now, e.g. 90d or 12h, nor a day, e.g. 2027-01-31, "
      "nor a time with its zone, e.g. 2027-01-31T00:00:00Z",
      text));
}

absl::StatusOr<Principal> ToPrincipal(const Flags& flags) {
  Principal principal{.name = flags.name, .subject = flags.subject};
  THRONG_ASSIGN_OR_RETURN(principal.expires_us, ToExpiry(flags.expires));
  for (const std::string& population : flags.populations) {
    principal.grants.push_back({.population = population,
                                .roles = flags.roles,
                                .sensitivity_max = flags.sensitivity,
                                .minimum_count = flags.minimum_count});
  }
  return principal;
}

absl::StatusOr<std::string> Create(const Flags& flags) {
  THRONG_ASSIGN_OR_RETURN(Principal principal, ToPrincipal(flags));
  std::string token;
  if (flags.subject.empty()) {
    THRONG_ASSIGN_OR_RETURN(token, access::NewToken());
    principal.token = access::DigestOf(token);
  }
  THRONG_RETURN_IF_ERROR(access::ChangeAccessFile(flags.file, [&](std::string_view text) {
    return access::WithPrincipal(text, flags.file, principal);
  }));
  return token;
}

int RunCreate(const Flags& flags) {
  const absl::StatusOr<std::string> token = Create(flags);
  if (!token.ok()) return Report(token.status(), flags.json);
  if (flags.json) {
    Json made = {{"name", flags.name}};
    if (!token->empty()) made["token"] = *token;
    fmt::print("{}\n", made.dump(-1, ' ', false, Json::error_handler_t::replace));
  } else if (token->empty()) {
    fmt::print("{} may call with the client certificate {}\n", flags.name, flags.subject);
  } else {
    fmt::print("{}\n", *token);
  }
  return kExitDone;
}

int RunRevoke(const Flags& flags) {
  const absl::Status revoked = access::ChangeAccessFile(flags.file, [&](std::string_view text) {
    return access::WithRevoked(text, flags.file, flags.name);
  });
  if (!revoked.ok()) return Report(revoked, flags.json);
  if (flags.json) {
    fmt::print("{}\n", Json({{"name", flags.name}, {"revoked", true}})
                           .dump(-1, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{} is revoked\n", flags.name);
  }
  return kExitDone;
}

std::string_view StateOf(const Principal& principal) {
  if (principal.revoked) return "revoked";
  const bool expired = principal.expires_us != 0 && NowMicroseconds() >= principal.expires_us;
  return expired ? "expired" : "valid";
}

Json ToJson(const Principal& principal) {
  Json grants = Json::array();
  for (const Grant& grant : principal.grants) {
    grants.push_back({{"population", grant.population},
                      {"roles", grant.roles},
                      {"sensitivity", grant.sensitivity_max},
                      {"minimum_count", grant.minimum_count}});
  }
  Json json = {{"name", principal.name}, {"state", StateOf(principal)}};
  if (principal.token.has_value()) json["token"] = true;
  if (!principal.subject.empty()) json["subject"] = principal.subject;
  if (principal.expires_us != 0) json["expires"] = access::TimeText(principal.expires_us);
  json["grants"] = std::move(grants);
  return json;
}

void PrintPrincipal(const Principal& principal) {
  fmt::print("{}  {}, {}{}\n", principal.name, StateOf(principal),
             principal.token.has_value() ? "token" : principal.subject,
             principal.expires_us == 0
                 ? ""
                 : fmt::format(", expires {}", access::TimeText(principal.expires_us)));
  for (const Grant& grant : principal.grants) {
    fmt::print(
        "  {}: {}, sensitivity {}{}\n", grant.population, fmt::join(grant.roles, ", "),
        grant.sensitivity_max,
        grant.minimum_count == 0 ? "" : fmt::format(", minimum count {}", grant.minimum_count));
  }
}

int RunList(const Flags& flags) {
  const absl::StatusOr<std::vector<Principal>> principals = access::ReadAccessFile(flags.file);
  if (!principals.ok()) return Report(principals.status(), flags.json);
  Json list = Json::array();
  for (const Principal& principal : *principals) {
    if (flags.json) {
      list.push_back(ToJson(principal));
    } else {
      PrintPrincipal(principal);
    }
  }
  if (flags.json) {
    fmt::print("{}\n", Json({{"principals", std::move(list)}})
                           .dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return kExitDone;
}

int RunAuditHash(const Flags& flags) {
  const absl::StatusOr<std::string> hash = access::HashAuditedId(flags.audit_log, flags.id);
  if (!hash.ok()) return Report(hash.status(), flags.json);
  fmt::print("{}\n", *hash);
  return kExitDone;
}

CLI::App* AddCommand(CLI::App& group, const char* name, const char* about, Flags& flags) {
  CLI::App* command = group.add_subcommand(name, about);
  command->add_option("--access-file", flags.file, "The access file")
      ->type_name("FILE")
      ->envname("THRONGD_ACCESS_FILE")
      ->capture_default_str();
  command->add_flag("--json", flags.json, "Print JSON, errors too");
  return command;
}

void RegisterCreate(CLI::App& group, const std::shared_ptr<Flags>& flags, int& exit_code) {
  CLI::App* create = AddCommand(group, "create", "Make a principal and its token", *flags);
  create->add_option("NAME", flags->name, "Who it is, as the audit log says it")->required();
  create->add_option("--role", flags->roles, "What it may do; more than one may be given")
      ->required()
      ->allow_extra_args(false)
      ->type_name("ROLE");
  create
      ->add_option("--population", flags->populations,
                   "Where; more than one may be given; \"*\": everywhere, and the server itself")
      ->allow_extra_args(false)
      ->type_name("NAME")
      ->capture_default_str();
  create
      ->add_option("--sensitivity", flags->sensitivity, "Tags above this level do not exist for it")
      ->check(CLI::Range(0, 9))
      ->capture_default_str();
  create
      ->add_option("--minimum-count", flags->minimum_count,
                   "Fewer users than so many it is not told; 0: any number. With the roles viewer "
                   "and operator")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("USERS");
  create->add_option("--expires", flags->expires, "90d, 12h, a day or a time; default: never")
      ->type_name("WHEN");
  create->add_option(
      "--subject", flags->subject,
      "Of its client certificate, as `openssl x509 -subject -nameopt RFC2253` prints "
      "it; then there is no token");
  create->footer(kCreateFooter);
  create->callback([flags, &exit_code] { exit_code = RunCreate(*flags); });
}

}  // namespace

void RegisterTokenCommands(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* token = app.add_subcommand("token", "Who may call: make, revoke and list tokens");
  token->require_subcommand(1);
  RegisterCreate(*token, flags, exit_code);
  CLI::App* revoke = AddCommand(*token, "revoke", "Take a principal's access away", *flags);
  revoke->add_option("NAME", flags->name, "Whose")->required();
  revoke->callback([flags, &exit_code] { exit_code = RunRevoke(*flags); });
  CLI::App* list = AddCommand(*token, "list", "All principals, without their tokens", *flags);
  list->callback([flags, &exit_code] { exit_code = RunList(*flags); });
  CLI::App* hash = app.add_subcommand("audit-hash", "What the audit log says for a user's id");
  hash->add_option("AUDIT_LOG", flags->audit_log, "The log, whose key is used")->required();
  hash->add_option("ID", flags->id, "The id, as it was given in the call")->required();
  hash->callback([flags, &exit_code] { exit_code = RunAuditHash(*flags); });
}

}  // namespace throng
