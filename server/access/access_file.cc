#include "server/access/access_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "index/catalogue.h"
#include "index/error.h"
#include "index/utf8.h"

namespace throng::access {
namespace {

constexpr size_t kPopulationBytesMax = 63;
constexpr int kSensitivityMax = 9;
constexpr int64_t kMinimumCountMax = 1'000'000;
constexpr int64_t kMicroseconds = 1'000'000;

// "access.toml line 3: ...".
class Place {
 public:
  Place(std::string_view path, const toml::node& node)
      : path_(path), line_(node.source().begin.line) {}

  absl::Status Wrong(std::string_view message) const {
    return index::InvalidArgument("BAD_ACCESS_FILE", "",
                                  fmt::format("{} line {}: {}", path_, line_, message));
  }

 private:
  const std::string_view path_;
  const uint32_t line_;
};

// The nearest of the known keys, or which there are.
absl::Status CheckKeys(const toml::table& table, std::string_view path,
                       const std::vector<std::string_view>& known) {
  for (const auto& [key, node] : table) {
    if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
    const std::string nearest = index::NearestName(key.str(), known);
    const std::string remedy = nearest.empty() ? fmt::format("known are {}", fmt::join(known, ", "))
                                               : fmt::format("did you mean {}?", nearest);
    return Place(path, node).Wrong(fmt::format("unknown key \"{}\"; {}", key.str(), remedy));
  }
  return absl::OkStatus();
}

// The text of `key`; empty if it is not there.
absl::StatusOr<std::string> ReadText(const toml::table& table, std::string_view path,
                                     std::string_view key) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return std::string();
  if (const auto value = node->value_exact<std::string>(); value.has_value() && !value->empty()) {
    return *value;
  }
  return Place(path, *node).Wrong(fmt::format("{} must be a text in quotes, not empty", key));
}

absl::StatusOr<int64_t> ReadTime(const toml::node& node, std::string_view path) {
  using std::chrono::sys_days;
  const auto to_days = [](const toml::date& date) {
    return sys_days(std::chrono::year(date.year) / date.month / date.day).time_since_epoch();
  };
  if (const auto time = node.value_exact<toml::date_time>();
      time.has_value() && time->offset.has_value()) {
    const int64_t seconds = std::chrono::seconds(to_days(time->date)).count() +
                            time->time.hour * 3600 + time->time.minute * 60 + time->time.second -
                            time->offset->minutes * 60;
    return seconds * kMicroseconds;
  }
  if (const auto date = node.value_exact<toml::date>()) {
    return std::chrono::seconds(to_days(*date)).count() * kMicroseconds;
  }
  return Place(path, node)
      .Wrong(
          "expires must be a time with its zone, e.g. 2027-01-31T00:00:00Z, or a day, without "
          "quotes");
}

std::string RoleNames() {
  std::string names;
  for (const Role& role : Roles())
    names += fmt::format("{}{}", names.empty() ? "" : ", ", role.name);
  return names;
}

absl::Status ReadRoles(const toml::table& table, std::string_view path, Grant* grant) {
  const toml::node* node = table.get("roles");
  const toml::array* roles = node == nullptr ? nullptr : node->as_array();
  if (roles == nullptr || roles->empty()) {
    return Place(path, node == nullptr ? table : *node)
        .Wrong(fmt::format("roles must be a list, e.g. [\"viewer\"], of {}", RoleNames()));
  }
  for (const toml::node& element : *roles) {
    const auto name = element.value_exact<std::string>();
    const std::optional<RightSet> rights = name.has_value() ? FindRole(*name) : std::nullopt;
    if (!rights.has_value()) {
      return Place(path, element)
          .Wrong(fmt::format("{} is no role; there are {}",
                             name.has_value() ? fmt::format("\"{}\"", *name) : "what is not a text",
                             RoleNames()));
    }
    grant->roles.push_back(*name);
    grant->rights.Add(*rights);
  }
  return absl::OkStatus();
}

// Rights that go with a minimum: whoever has another one has ids, which can be counted. Checks come
// with the role operator, and are refused to who has a minimum.
constexpr RightSet kCounting = {Right::kBrowse, Right::kCount, Right::kDefine, Right::kCheck,
                                Right::kTags};

absl::Status ReadMinimum(const toml::table& table, std::string_view path, Grant* grant) {
  const toml::node* minimum = table.get("minimum_count");
  if (minimum == nullptr) return absl::OkStatus();
  const auto value = minimum->value_exact<int64_t>();
  if (!value.has_value() || *value < 0 || *value > kMinimumCountMax) {
    return Place(path, *minimum)
        .Wrong(fmt::format("minimum_count must be a whole number of users from 0 (none) to {}",
                           kMinimumCountMax));
  }
  grant->minimum_count = static_cast<uint64_t>(*value);
  if (grant->minimum_count == 0 || kCounting.HasAll(grant->rights)) return absl::OkStatus();
  return Place(path, *minimum)
      .Wrong(
          "minimum_count does not go with roles that give ids or single users, who can be counted: "
          "viewer and operator may have it; write the other roles in a grant of their own");
}

absl::StatusOr<Grant> ReadGrant(const toml::node& node, std::string_view path) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return Place(path, node).Wrong("write [[principal.grant]] for each grant");
  THRONG_RETURN_IF_ERROR(
      CheckKeys(*table, path, {"population", "roles", "sensitivity", "minimum_count"}));
  Grant grant;
  THRONG_ASSIGN_OR_RETURN(grant.population, ReadText(*table, path, "population"));
  const bool is_name = !grant.population.empty() &&
                       grant.population.size() <= kPopulationBytesMax &&
                       grant.population.find('/') == std::string::npos;
  if (!is_name) {
    const toml::node* named = table->get("population");
    return Place(path, named == nullptr ? *table : *named)
        .Wrong("population must be the last part of a name, e.g. \"default\", or \"*\" for all");
  }
  THRONG_RETURN_IF_ERROR(ReadRoles(*table, path, &grant));
  if (const toml::node* level = table->get("sensitivity"); level != nullptr) {
    const auto value = level->value_exact<int64_t>();
    if (!value.has_value() || *value < 0 || *value > kSensitivityMax) {
      return Place(path, *level).Wrong("sensitivity must be a whole number from 0 to 9");
    }
    grant.sensitivity_max = static_cast<int>(*value);
  }
  THRONG_RETURN_IF_ERROR(ReadMinimum(*table, path, &grant));
  return grant;
}

absl::Status ReadGrants(const toml::table& table, std::string_view path, Principal* principal) {
  const toml::node* node = table.get("grant");
  if (node == nullptr) return absl::OkStatus();
  const toml::array* grants = node->as_array();
  if (grants == nullptr) return Place(path, *node).Wrong("write [[principal.grant]], in brackets");
  if (grants->size() > kGrantsMax) {
    return Place(path, *node).Wrong(fmt::format("at most {} grants are allowed", kGrantsMax));
  }
  for (const toml::node& element : *grants) {
    THRONG_ASSIGN_OR_RETURN(principal->grants.emplace_back(), ReadGrant(element, path));
  }
  return absl::OkStatus();
}

bool IsPrincipalName(std::string_view name) {
  return name.size() <= kPrincipalNameBytesMax && index::ValidUtf8Prefix(name) == name.size() &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

absl::Status ReadIdentity(const toml::table& table, std::string_view path, Principal* principal) {
  THRONG_ASSIGN_OR_RETURN(principal->name, ReadText(table, path, "name"));
  if (principal->name.empty()) return Place(path, table).Wrong("a principal needs a name");
  if (!IsPrincipalName(principal->name)) {
    return Place(path, *table.get("name"))
        .Wrong(fmt::format("name must be one line of at most {} bytes", kPrincipalNameBytesMax));
  }
  THRONG_ASSIGN_OR_RETURN(const std::string hex, ReadText(table, path, "token_sha256"));
  if (!hex.empty()) {
    principal->token = DigestFromHex(hex);
    if (!principal->token.has_value()) {
      return Place(path, *table.get("token_sha256"))
          .Wrong(
              "token_sha256 must be 64 lower-case hexadecimal digits, as `throngd token create` "
              "writes them; it is never the token itself");
    }
  }
  THRONG_ASSIGN_OR_RETURN(principal->subject, ReadText(table, path, "subject"));
  if (!principal->token.has_value() && principal->subject.empty()) {
    return Place(path, table)
        .Wrong(
            fmt::format("principal \"{}\" needs token_sha256 (throngd token create makes one) or "
                        "subject (of its client certificate)",
                        principal->name));
  }
  return absl::OkStatus();
}

absl::StatusOr<Principal> ReadPrincipal(const toml::node& node, std::string_view path) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return Place(path, node).Wrong("write [[principal]] for each principal");
  THRONG_RETURN_IF_ERROR(
      CheckKeys(*table, path, {"name", "token_sha256", "subject", "expires", "revoked", "grant"}));
  Principal principal;
  THRONG_RETURN_IF_ERROR(ReadIdentity(*table, path, &principal));
  if (const toml::node* expires = table->get("expires"); expires != nullptr) {
    THRONG_ASSIGN_OR_RETURN(principal.expires_us, ReadTime(*expires, path));
  }
  if (const toml::node* revoked = table->get("revoked"); revoked != nullptr) {
    const auto value = revoked->value_exact<bool>();
    if (!value.has_value()) return Place(path, *revoked).Wrong("revoked must be true or false");
    principal.revoked = *value;
  }
  THRONG_RETURN_IF_ERROR(ReadGrants(*table, path, &principal));
  return principal;
}

// Whether `taken` has the key already, which it has afterwards; `line` of the first is told.
absl::Status CheckOnce(const toml::node& node, std::string_view path, std::string_view what,
                       const std::string& key, std::map<std::string, uint32_t>* taken) {
  const auto [first, is_new] = taken->emplace(key, node.source().begin.line);
  if (is_new) return absl::OkStatus();
  return Place(path, node)
      .Wrong(fmt::format("{} stands already at line {}: give each principal its own", what,
                         first->second));
}

// The list of principals of the file, empty if there is none.
absl::StatusOr<const toml::array*> FindPrincipals(const toml::table& file, std::string_view path) {
  static const auto* none = new toml::array();
  THRONG_RETURN_IF_ERROR(CheckKeys(file, path, {"principal"}));
  const toml::node* node = file.get("principal");
  if (node == nullptr) return none;
  if (node->as_array() == nullptr)
    return Place(path, *node).Wrong("write [[principal]], in brackets");
  if (node->as_array()->size() > kPrincipalsMax) {
    return Place(path, *node)
        .Wrong(fmt::format("at most {} principals are allowed", kPrincipalsMax));
  }
  return node->as_array();
}

absl::StatusOr<toml::table> ParseToml(std::string_view text, std::string_view path) {
  if (text.size() > kAccessFileBytesMax) {
    return index::LimitExceeded(absl::StatusCode::kInvalidArgument, "BAD_ACCESS_FILE",
                                fmt::format("the length of {} in bytes", path), kAccessFileBytesMax,
                                text.size());
  }
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return index::InvalidArgument("BAD_ACCESS_FILE", "",
                                  fmt::format("{} line {}: not TOML: {}", path,
                                              error.source().begin.line, error.description()));
  }
}

}  // namespace

absl::StatusOr<std::vector<Principal>> ParseAccessFile(std::string_view text,
                                                       std::string_view path) {
  THRONG_ASSIGN_OR_RETURN(const toml::table file, ParseToml(text, path));
  THRONG_ASSIGN_OR_RETURN(const toml::array* nodes, FindPrincipals(file, path));
  std::vector<Principal> principals;
  std::map<std::string, uint32_t> names;
  std::map<std::string, uint32_t> tokens;
  std::map<std::string, uint32_t> subjects;
  for (const toml::node& node : *nodes) {
    THRONG_ASSIGN_OR_RETURN(Principal principal, ReadPrincipal(node, path));
    THRONG_RETURN_IF_ERROR(CheckOnce(node, path, fmt::format("the name \"{}\"", principal.name),
                                     principal.name, &names));
    if (principal.token.has_value()) {
      THRONG_RETURN_IF_ERROR(
          CheckOnce(node, path, "this token_sha256", DigestToHex(*principal.token), &tokens));
    }
    if (!principal.subject.empty()) {
      THRONG_RETURN_IF_ERROR(CheckOnce(node, path, "this subject", principal.subject, &subjects));
    }
    principals.push_back(std::move(principal));
  }
  return principals;
}

std::string TimeText(int64_t unix_us) {
  using std::chrono::days;
  using std::chrono::seconds;
  const seconds since_epoch(unix_us / kMicroseconds);
  const days day = std::chrono::floor<days>(since_epoch);
  const std::chrono::year_month_day date{std::chrono::sys_days(day)};
  const std::chrono::hh_mm_ss<seconds> time{since_epoch - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

namespace {

// A basic string of TOML.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string PrincipalText(const Principal& principal) {
  std::string text = fmt::format("[[principal]]\nname = {}\n", Quoted(principal.name));
  if (principal.token.has_value()) {
    text += fmt::format("token_sha256 = \"{}\"\n", DigestToHex(*principal.token));
  }
  if (!principal.subject.empty()) text += fmt::format("subject = {}\n", Quoted(principal.subject));
  if (principal.expires_us != 0)
    text += fmt::format("expires = {}\n", TimeText(principal.expires_us));
  if (principal.revoked) text += "revoked = true\n";
  for (const Grant& grant : principal.grants) {
    std::vector<std::string> roles;
    for (const std::string& role : grant.roles) roles.push_back(Quoted(role));
    text += fmt::format("\n[[principal.grant]]\npopulation = {}\nroles = [{}]\nsensitivity = {}\n",
                        Quoted(grant.population), fmt::join(roles, ", "), grant.sensitivity_max);
    if (grant.minimum_count != 0) text += fmt::format("minimum_count = {}\n", grant.minimum_count);
  }
  return text;
}

// Where line `number`, from 1, begins in the text.
size_t LineStart(std::string_view text, uint32_t number) {
  size_t start = 0;
  for (uint32_t line = 1; line < number && start < text.size(); ++line) {
    start = std::min(text.find('\n', start), text.size() - 1) + 1;
  }
  return start;
}

}  // namespace

absl::StatusOr<std::string> WithPrincipal(std::string_view text, std::string_view path,
                                          const Principal& principal) {
  THRONG_ASSIGN_OR_RETURN(const std::vector<Principal> present, ParseAccessFile(text, path));
  for (const Principal& other : present) {
    if (other.name != principal.name) continue;
    return index::MakeError(
        absl::StatusCode::kAlreadyExists,
        fmt::format("{} has a principal \"{}\" already: take another name", path, principal.name),
        {.reason = "PRINCIPAL_EXISTS", .field = "name"});
  }
  std::string changed(text);
  if (!changed.empty()) changed += changed.back() == '\n' ? "\n" : "\n\n";
  changed += PrincipalText(principal);
  THRONG_RETURN_IF_ERROR(ParseAccessFile(changed, path).status());
  return changed;
}

absl::StatusOr<std::string> WithRevoked(std::string_view text, std::string_view path,
                                        std::string_view name) {
  THRONG_RETURN_IF_ERROR(ParseAccessFile(text, path).status());
  THRONG_ASSIGN_OR_RETURN(const toml::table file, ParseToml(text, path));
  THRONG_ASSIGN_OR_RETURN(const toml::array* nodes, FindPrincipals(file, path));
  for (const toml::node& node : *nodes) {
    const toml::table& table = *node.as_table();
    if (table.get("name")->value_exact<std::string>() != name) continue;
    std::string changed(text);
    const toml::node* revoked = table.get("revoked");
    if (revoked != nullptr && revoked->value_exact<bool>().value_or(false)) return changed;
    // A line in place of `revoked = false`, or behind the name.
    const uint32_t line = revoked != nullptr ? revoked->source().begin.line
                                             : table.get("name")->source().end.line + 1;
    const size_t start = LineStart(changed, line);
    if (revoked != nullptr) changed.erase(start, LineStart(changed, line + 1) - start);
    const bool has_end = start == 0 || changed[start - 1] == '\n';
    changed.insert(start, has_end ? "revoked = true\n" : "\nrevoked = true\n");
    THRONG_ASSIGN_OR_RETURN(const std::vector<Principal> after, ParseAccessFile(changed, path));
    const auto is_revoked = [&](const Principal& p) { return p.name == name && p.revoked; };
    if (std::any_of(after.begin(), after.end(), is_revoked)) return changed;
    return Place(path, node).Wrong("write `revoked = true` on a line of its own in this principal");
  }
  return index::MakeError(absl::StatusCode::kNotFound,
                          fmt::format("{} has no principal \"{}\"", path, name),
                          {.reason = "UNKNOWN_PRINCIPAL", .field = "name"});
}

}  // namespace throng::access
