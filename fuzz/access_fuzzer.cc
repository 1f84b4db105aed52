// Feeds any text to the reader of access files, and to what `throngd token` makes of one. A file
// that is read must read the same behind a principal that was added and one that was revoked; a
// token out of the input is nobody's.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/require.h"
#include "server/access/access_file.h"
#include "server/access/access_list.h"
#include "server/access/json_line.h"
#include "server/access/token.h"

namespace {

using throng::access::AccessList;
using throng::access::Principal;
using throng::fuzz::Require;

constexpr std::string_view kPath = "access.toml";

void CheckChanges(std::string_view text, const std::vector<Principal>& principals) {
  Principal added{.name = "added", .token = throng::access::DigestOf("added")};
  added.grants = {{.population = "*", .roles = {"viewer"}, .sensitivity_max = 3}};
  const auto with = throng::access::WithPrincipal(text, kPath, added);
  if (with.ok()) {
    const auto read = throng::access::ParseAccessFile(*with, kPath);
    Require(read.ok(), "a principal that was added cannot be read", *with);
    Require(read->size() == principals.size() + 1, "adding one principal added others", *with);
    Require(read->back().grants.size() == 1 && !read->back().revoked, "not what was added", *with);
  }
  if (principals.empty()) return;
  const std::string& name = principals.back().name;
  const auto without = throng::access::WithRevoked(text, kPath, name);
  if (!without.ok()) return;
  const auto read = throng::access::ParseAccessFile(*without, kPath);
  Require(read.ok() && read->size() == principals.size(), "revoking breaks the file", *without);
  for (size_t i = 0; i < read->size(); ++i) {
    const bool is_revoked = principals[i].revoked || principals[i].name == name;
    Require((*read)[i].revoked == is_revoked, "the wrong principal is revoked", *without);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto digest = throng::access::DigestFromHex(text)) {
    Require(throng::access::DigestToHex(*digest) == text, "a digest of two texts", text);
  }
  throng::access::JsonLine line;
  line.Add("text", text);
  Require(std::move(line).Finish().find('\n') == std::string::npos, "two lines", text);

  auto principals = throng::access::ParseAccessFile(text, kPath);
  if (!principals.ok()) {
    Require(principals.status().message().find(kPath.data()) != std::string::npos,
            "a mistake without its place", text);
    return 0;
  }
  CheckChanges(text, *principals);
  const AccessList list(*std::move(principals));
  Require(!list.FindByToken(text, 0).ok(), "the file itself is a token", text);
  for (const Principal& principal : list.principals()) {
    Require(list.FindByName(principal.name) == &principal, "a name of two", text);
    static_cast<void>(list.FindBySubject(principal.subject, 0));
  }
  return 0;
}
