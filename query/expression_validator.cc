// Validate() of query/parser.h: what Parse cannot produce, a program can.
#include <algorithm>
#include <string>
#include <variant>

#include "absl/time/civil_time.h"
#include "fmt/format.h"
#include "index/error.h"
#include "index/id_hash.h"
#include "index/utf8.h"
#include "query/decimal_literal.h"
#include "query/iso_time.h"
#include "query/parser.h"
#include "query/value_parser.h"

namespace throng::query {
namespace {

absl::Status Invalid(std::string_view reason, std::string_view message) {
  return index::InvalidArgument(reason, "", message);
}

// Walks a tree once. The walk ends at the first excess, so its stack is bounded by depth_max.
class Validator {
 public:
  explicit Validator(const ExpressionLimits& limits) : limits_(limits) {}

  absl::Status Visit(const Expression& expression, int depth) {
    THRONG_RETURN_IF_ERROR(
        CheckLimit("EXPRESSION_TOO_DEEP", "the expression's depth", limits_.depth_max, depth));
    THRONG_RETURN_IF_ERROR(
        CheckLimit("TOO_MANY_NODES", "the expression's nodes", limits_.nodes_max, ++nodes_));
    return std::visit([&](const auto& node) { return Check(node, depth); }, expression.node);
  }

 private:
  absl::Status Check(const And& node, int depth) { return CheckChain(node.operands, depth); }
  absl::Status Check(const Or& node, int depth) { return CheckChain(node.operands, depth); }
  absl::Status Check(const Not& node, int depth) {
    if (node.operand.size() != 1) {
      return Invalid("INVALID_EXPRESSION", "a negation needs exactly one operand");
    }
    return Visit(node.operand[0], depth + 1);
  }
  absl::Status Check(const Condition& node, int) {
    if (node.tag.empty()) return Invalid("INVALID_EXPRESSION", "a condition needs a tag");
    THRONG_RETURN_IF_ERROR(CheckText(node.tag));
    return std::visit([&](const auto& test) { return CheckTest(test); }, node.test);
  }
  absl::Status Check(const IdSet& node, int) {
    THRONG_RETURN_IF_ERROR(CountValues(node.ids.size() + node.numbers.size()));
    for (const std::string& id : node.ids) THRONG_RETURN_IF_ERROR(CheckText(id));
    return absl::OkStatus();
  }
  absl::Status Check(const Bucket& node, int) {
    if (node.from > node.to || node.to > index::kBuckets) {
      return Invalid("VALUE_OUT_OF_RANGE",
                     fmt::format("the buckets [{}, {}) are not in order within 0 to {}", node.from,
                                 node.to, index::kBuckets));
    }
    return CheckText(node.salt);
  }
  absl::Status Check(const Sample& node, int) {
    if (node.millionths < 1 || node.millionths > index::kBuckets) {
      return Invalid("VALUE_OUT_OF_RANGE", fmt::format("a sample has 1 to {} millionths, not {}",
                                                       index::kBuckets, node.millionths));
    }
    return CheckText(node.salt);
  }
  absl::Status Check(const Limited& node, int depth) {
    if (depth > 1) {
      return Invalid("MISPLACED_LIMIT", "a limit stands at the root of an expression only");
    }
    if (node.operand.size() != 1) {
      return Invalid("INVALID_EXPRESSION", "a limit needs exactly one operand");
    }
    if (node.users < 1 || node.users > kLimitUsersMax) {
      return Invalid("VALUE_OUT_OF_RANGE",
                     fmt::format("a limit is 1 to {} users, not {}", kLimitUsersMax, node.users));
    }
    THRONG_RETURN_IF_ERROR(
        std::visit([&](const auto& order) { return CheckOrder(order); }, node.order));
    return Visit(node.operand[0], depth + 1);
  }
  absl::Status Check(const CrowdRef& node, int) {
    if (node.name.empty()) return Invalid("INVALID_EXPRESSION", "a crowd needs a name");
    if (node.live && node.version != 0) {
      return Invalid("INVALID_EXPRESSION", "a crowd is live or of a version, not both");
    }
    return CheckText(node.name);
  }
  absl::Status Check(const AllUsers&, int) { return absl::OkStatus(); }
  absl::Status Check(const NoUsers&, int) { return absl::OkStatus(); }

  absl::Status CheckOrder(const ByTag& order) {
    if (order.tag.empty()) return Invalid("INVALID_EXPRESSION", "top needs a tag");
    return CheckText(order.tag);
  }
  absl::Status CheckOrder(const BySalt& order) { return CheckText(order.salt); }

  absl::Status CheckTest(const AnyOf& test) { return CheckList(test.values); }
  absl::Status CheckTest(const NoneOf& test) { return CheckList(test.values); }
  absl::Status CheckTest(const Range& test) {
    if (!test.lower.has_value() && !test.upper.has_value()) {
      return Invalid("INVALID_EXPRESSION", "a range needs a bound");
    }
    if ((!test.lower.has_value() && test.lower_inclusive) ||
        (!test.upper.has_value() && test.upper_inclusive)) {
      return Invalid("INVALID_EXPRESSION", "a bound that is absent cannot be inclusive");
    }
    if (test.lower.has_value()) THRONG_RETURN_IF_ERROR(CheckValue(*test.lower));
    return test.upper.has_value() ? CheckValue(*test.upper) : absl::OkStatus();
  }
  absl::Status CheckTest(const Exists&) { return absl::OkStatus(); }
  absl::Status CheckTest(const IsSet&) { return absl::OkStatus(); }

  absl::Status CheckChain(const std::vector<Expression>& operands, int depth) {
    if (operands.size() < 2) {
      return Invalid("INVALID_EXPRESSION",
                     "a conjunction or disjunction needs at least two operands");
    }
    for (const Expression& operand : operands) THRONG_RETURN_IF_ERROR(Visit(operand, depth + 1));
    return absl::OkStatus();
  }
  absl::Status CheckList(const std::vector<Value>& values) {
    THRONG_RETURN_IF_ERROR(CountValues(values.size()));
    for (const Value& value : values) THRONG_RETURN_IF_ERROR(CheckValue(value));
    return absl::OkStatus();
  }
  absl::Status CheckValue(const Value& value) {
    return std::visit([&](const auto& literal) { return CheckLiteral(literal); }, value.literal);
  }

  absl::Status CheckLiteral(const std::string& literal) { return CheckText(literal); }
  absl::Status CheckLiteral(const DecimalLiteral& literal) {
    if (IsCanonical(literal)) return absl::OkStatus();
    return Invalid("VALUE_OUT_OF_RANGE",
                   "a decimal has at most 38 digits and no 0 at the fraction's end");
  }
  absl::Status CheckLiteral(bool) { return absl::OkStatus(); }
  absl::Status CheckLiteral(const DateLiteral& literal) {
    if (IsDate(literal)) return absl::OkStatus();
    return Invalid("BAD_DATE", fmt::format("{}-{}-{} is not a date of the years 1 to 9999",
                                           literal.year, literal.month, literal.day));
  }
  absl::Status CheckLiteral(const TimestampLiteral& literal) {
    if (IsTimestamp(literal)) return absl::OkStatus();
    return Invalid("BAD_DATE",
                   fmt::format("{} us after 1970 is not in the years 1 to 9999", literal.unix_us));
  }
  absl::Status CheckLiteral(const RelativeTimeLiteral& literal) {
    if (literal.offsets.size() > static_cast<size_t>(kTimeOffsetsMax)) {
      return Invalid("VALUE_OUT_OF_RANGE",
                     fmt::format("a relative time has at most {} steps", kTimeOffsetsMax));
    }
    for (const TimeOffset& offset : literal.offsets) {
      if (offset.amount < -kTimeOffsetMax || offset.amount > kTimeOffsetMax) {
        return Invalid("VALUE_OUT_OF_RANGE",
                       fmt::format("a step of {} is over {}", offset.amount, kTimeOffsetMax));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckText(const std::string& text) {
    text_bytes_ += static_cast<int64_t>(text.size());
    THRONG_RETURN_IF_ERROR(CheckLimit("EXPRESSION_TOO_LONG", "the expression's text in bytes",
                                      limits_.text_bytes_max, text_bytes_));
    if (index::IsValidUtf8(text)) return absl::OkStatus();
    return Invalid("INVALID_UTF8", "the expression holds text that is not UTF-8");
  }
  absl::Status CountValues(size_t count) {
    if (count == 0) return Invalid("INVALID_EXPRESSION", "a list needs at least one value");
    values_ += static_cast<int64_t>(count);
    return CheckLimit("TOO_MANY_VALUES", "the number of values in the expression's lists",
                      limits_.list_values_max, values_);
  }
  static absl::Status CheckLimit(std::string_view reason, std::string_view what, int64_t limit,
                                 int64_t requested) {
    if (requested <= limit) return absl::OkStatus();
    return index::LimitExceeded(absl::StatusCode::kInvalidArgument, reason, what,
                                static_cast<uint64_t>(limit), static_cast<uint64_t>(requested));
  }

  ExpressionLimits limits_;
  int64_t nodes_ = 0;
  int64_t values_ = 0;
  int64_t text_bytes_ = 0;
};

}  // namespace

absl::Status Validate(const Expression& expression, const ExpressionLimits& limits) {
  return Validator(limits).Visit(expression, 1);
}

}  // namespace throng::query
