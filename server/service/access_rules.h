// The rule of every call of the API: which right it takes, in which populations, and what the audit
// log says of it. One row a call, in access_rules.cc.
//
//   const AccessRule& rule = RuleOf(*v1::CountRequest::descriptor());
//   rule.right;                                            // Right::kCount
//   ForEachText(request, rule.populations[0], ...);        // "populations/renters"
//
// A call without a row is refused to everybody, and the build fails (check_access_rules).
#ifndef THRONG_SERVER_SERVICE_ACCESS_RULES_H_
#define THRONG_SERVER_SERVICE_ACCESS_RULES_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "server/access/rights.h"
#include "server/service/message_fields.h"
#include "server/service/path_names.h"

namespace throng::service {

// What a call concerns.
enum class Scope {
  kPopulations,       // those that its request names; where it names none, the default one
  kPopulationsOrAll,  // the same; where it names none, all of them
  kAnyPopulation,     // none: the right in any population will do
  kServer,            // the server itself: the right in every population
};

// When the audit log gets a line.
enum class Noted {
  kAfter,    // when the call is over; if the line cannot be written, the answer is sent
  kBefore,   // before anything is done, too; if that line cannot be written, nothing is
  kRefused,  // when the call failed: of calls that are made very often and say little
};

// A row as it is written. Paths are of fields of the request, e.g. "selection.population".
struct AccessRow {
  std::string_view method;  // "SelectionService/Count"
  access::Right right;
  Scope scope = Scope::kPopulations;
  PathNames populations;  // of names: "populations/renters/tags/city" as well
  Noted noted = Noted::kAfter;
  PathNames tags = {};
  PathNames ids = {};             // of users, texts, numbers or columns: noted as keyed hashes
  std::string_view counted = {};  // of the answer, or of a stream's messages
  // A right that is needed besides by a request that sets this field.
  std::string_view guarded = {};
  access::Right guarded_right = access::Right::kNobody;
};

// All rows, in the order of the services.
std::span<const AccessRow> AccessRows();

// A row whose paths are fields. Lives as long as the process; thread-safe: immutable.
struct AccessRule {
  std::string method;
  access::Right right = access::Right::kNobody;
  Scope scope = Scope::kServer;
  std::vector<MessagePath> populations;
  Noted noted = Noted::kBefore;
  std::vector<MessagePath> tags;
  std::vector<MessagePath> ids;
  std::vector<MessagePath> resources;  // what a request calls crowds, splits, packages and so on
  MessagePath counted;
  MessagePath guarded;
  access::Right guarded_right = access::Right::kNobody;
  bool minds_minimum = true;  // false: whether a minimum allows the call is asked later
};

// The rule of the call whose request this is; of a call without a row, or with a row that is wrong,
// one that nobody has the right of. Thread-safe.
const AccessRule& RuleOf(const google::protobuf::Descriptor& request);

// What is wrong with the rows, one finding each: calls without a row, rows without a call, paths
// that no field has, populations that are named in a request and in no path. Empty: nothing.
std::vector<std::string> CheckAccessRows(std::span<const AccessRow> rows);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_ACCESS_RULES_H_
