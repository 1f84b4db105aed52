#include "query/formatter.h"

#include <string_view>
#include <variant>

#include "fmt/format.h"
#include "index/utf8.h"
#include "query/decimal_literal.h"
#include "query/iso_time.h"
#include "query/lexer.h"

namespace throng::query {
namespace {

std::string Quote(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (const char c : text) {
    if (c == quote) quoted.push_back(quote);
    quoted.push_back(c);
  }
  quoted.push_back(quote);
  return quoted;
}

std::string Name(std::string_view name) {
  return IsPlainName(name) ? std::string(name) : Quote(name, '"');
}

std::string_view AnchorName(TimeAnchor anchor) {
  switch (anchor) {
    case TimeAnchor::kToday:
      return "today()";
    case TimeAnchor::kNow:
      return "now()";
    case TimeAnchor::kStartOfWeek:
      return "start_of_week()";
    case TimeAnchor::kStartOfMonth:
      return "start_of_month()";
  }
  return "";
}

std::string_view UnitName(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kMinute:
      return "min";
    case TimeUnit::kHour:
      return "h";
    case TimeUnit::kDay:
      return "d";
    case TimeUnit::kWeek:
      return "w";
    case TimeUnit::kMonth:
      return "m";
    case TimeUnit::kYear:
      return "y";
  }
  return "";
}

// Appends canonical text. One overload a node, test and literal, so that a new one must be added.
class Printer {
 public:
  explicit Printer(std::string* out) : out_(*out) {}
  // For logs: without ids, and nothing more once there are more than `bytes_max` bytes.
  Printer(std::string* out, size_t bytes_max) : out_(*out), bytes_max_(bytes_max), brief_(true) {}

  void Print(const Expression& expression) {
    if (IsFull()) return;
    std::visit([this](const auto& node) { Print(node); }, expression.node);
  }

  void Print(const And& node) { PrintChain(node.operands, " and ", false); }
  void Print(const Or& node) { PrintChain(node.operands, " or ", true); }
  void Print(const Not& node) {
    out_ += "not ";
    for (const Expression& operand : node.operand) PrintOperand(operand, false);
  }
  void Print(const Condition& node) {
    std::visit([&](const auto& test) { PrintTest(node.tag, test); }, node.test);
  }
  void Print(const IdSet& node) {
    if (brief_) {
      out_ += fmt::format("ids({} ids)", node.ids.size() + node.numbers.size());
      return;
    }
    std::string_view separator = "ids(";
    for (const std::string& id : node.ids) {
      out_.append(separator).append(Quote(id, '\''));
      separator = ", ";
    }
    for (const uint64_t id : node.numbers) {
      out_.append(separator).append(std::to_string(id));
      separator = ", ";
    }
    out_ += ')';
  }
  void Print(const Bucket& node) {
    out_ += fmt::format("bucket({}, {}, {})", Quote(node.salt, '\''), node.from, node.to);
  }
  void Print(const Sample& node) {
    DecimalLiteral percent{.units = Int128{node.millionths}, .scale = 4};
    while (percent.scale > 0 && percent.units % 10 == 0) {
      percent.units /= 10;
      --percent.scale;
    }
    out_ += fmt::format("sample({}%, {})", FormatDecimal(percent), Quote(node.salt, '\''));
  }
  void Print(const CrowdRef& node) {
    out_ += fmt::format("crowd({}", Quote(node.name, '\''));
    if (node.live) out_ += ", live";
    if (node.version != 0) out_ += fmt::format(", {}", node.version);
    out_ += ')';
  }
  void Print(const AllUsers&) { out_ += "all()"; }
  void Print(const NoUsers&) { out_ += "none()"; }

  void Print(const Limited& node) {
    for (const Expression& operand : node.operand) Print(operand);
    out_ += ' ';
    PrintLimit(node);
  }
  void PrintLimit(const Limited& node) {
    std::visit([&](const auto& order) { PrintOrder(node.users, order); }, node.order);
  }

  void Print(const Value& value) {
    std::visit([this](const auto& literal) { PrintLiteral(literal); }, value.literal);
  }

 private:
  bool IsFull() const { return out_.size() > bytes_max_; }

  void PrintChain(const std::vector<Expression>& operands, std::string_view separator,
                  bool and_is_tighter) {
    for (size_t i = 0; i < operands.size() && !IsFull(); ++i) {
      if (i > 0) out_ += separator;
      PrintOperand(operands[i], and_is_tighter);
    }
  }
  void PrintOperand(const Expression& operand, bool and_is_tighter) {
    const bool loose = std::holds_alternative<Or>(operand.node) ||
                       (std::holds_alternative<And>(operand.node) && !and_is_tighter);
    if (loose) out_ += '(';
    Print(operand);
    if (loose) out_ += ')';
  }

  void PrintOrder(uint32_t users, const ByTag& order) {
    out_ +=
        fmt::format("top {} by {} {}", users, Name(order.tag), order.descending ? "desc" : "asc");
  }
  void PrintOrder(uint32_t users, const BySalt& order) {
    out_ += fmt::format("any {} by {}", users, Quote(order.salt, '\''));
  }

  void PrintTest(std::string_view tag, const AnyOf& test) {
    PrintList(tag, "=", "in", test.values);
  }
  void PrintTest(std::string_view tag, const NoneOf& test) {
    PrintList(tag, "!=", "not in", test.values);
  }
  void PrintTest(std::string_view tag, const Range& test) {
    out_ += Name(tag);
    if (test.lower.has_value() && test.upper.has_value()) {
      out_ += " between ";
      Print(*test.lower);
      if (!test.lower_inclusive) out_ += " exclusive";
      out_ += " and ";
      Print(*test.upper);
      if (!test.upper_inclusive) out_ += " exclusive";
    } else if (test.lower.has_value()) {
      out_ += test.lower_inclusive ? " >= " : " > ";
      Print(*test.lower);
    } else if (test.upper.has_value()) {
      out_ += test.upper_inclusive ? " <= " : " < ";
      Print(*test.upper);
    }
  }
  void PrintTest(std::string_view tag, const Exists&) { out_ += "exists(" + Name(tag) + ")"; }
  void PrintTest(std::string_view tag, const IsSet&) { out_ += Name(tag); }

  void PrintList(std::string_view tag, std::string_view one, std::string_view many,
                 const std::vector<Value>& values) {
    const bool single = values.size() == 1;
    out_.append(Name(tag)).append(1, ' ').append(single ? one : many).append(single ? " " : " (");
    for (size_t i = 0; i < values.size() && !IsFull(); ++i) {
      if (i > 0) out_ += ", ";
      Print(values[i]);
    }
    if (!single) out_ += ')';
  }

  void PrintLiteral(const std::string& literal) { out_ += Quote(literal, '\''); }
  void PrintLiteral(const DecimalLiteral& literal) { out_ += FormatDecimal(literal); }
  void PrintLiteral(bool literal) { out_ += literal ? "true" : "false"; }
  void PrintLiteral(const DateLiteral& literal) {
    out_ += Quote(FormatIsoDate(absl::CivilDay(literal.year, literal.month, literal.day)), '\'');
  }
  void PrintLiteral(const TimestampLiteral& literal) {
    out_ += Quote(FormatIsoTimestamp(literal.unix_us), '\'');
  }
  void PrintLiteral(const RelativeTimeLiteral& literal) {
    out_ += AnchorName(literal.anchor);
    for (const TimeOffset& offset : literal.offsets) {
      const int64_t amount = offset.amount;
      out_ += fmt::format(" {} {}{}", amount < 0 ? '-' : '+', amount < 0 ? -amount : amount,
                          UnitName(offset.unit));
    }
  }

  std::string& out_;
  const size_t bytes_max_ = std::string::npos;
  const bool brief_ = false;
};

template <typename T>
std::string FormatAny(const T& printable) {
  std::string out;
  Printer(&out).Print(printable);
  return out;
}

}  // namespace

std::string Format(const Expression& expression) { return FormatAny(expression); }
std::string FormatBrief(const Expression& expression, size_t bytes_max) {
  std::string out;
  Printer(&out, bytes_max).Print(expression);
  if (out.size() <= bytes_max) return out;
  out.resize(index::ValidUtf8Prefix(std::string_view(out).substr(0, bytes_max)));
  return out + "...";
}
std::string Format(const Condition& condition) { return FormatAny(condition); }
std::string Format(const Value& value) { return FormatAny(value); }
std::string FormatLimit(const Limited& limited) {
  std::string out;
  Printer(&out).PrintLimit(limited);
  return out;
}

}  // namespace throng::query
