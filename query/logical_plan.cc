#include "query/logical_plan.h"

#include <string_view>

#include "fmt/format.h"
#include "query/decimal_literal.h"
#include "query/iso_time.h"
#include "query/lexer.h"

namespace throng::query {
namespace {

constexpr size_t kListedMax = 8;

using index::TagType;

// Prints plans with the names of a catalogue, which it borrows.
class Printer {
 public:
  Printer(const index::Catalogue& catalogue, std::string* out)
      : catalogue_(catalogue), out_(*out) {}

  void Print(const LogicalPlan& plan) {
    std::visit([this](const auto& node) { Print(node); }, plan.node);
  }

 private:
  void Print(const LogicalAnd& node) { PrintOperands("and", node.operands); }
  void Print(const LogicalOr& node) { PrintOperands("or", node.operands); }
  void Print(const LogicalNot& node) { PrintOperands("not", node.operand); }
  void Print(const TagValues& node) {
    const index::TagEntry* entry = catalogue_.FindById(node.tag);
    out_ += Name(node.tag);
    if (entry != nullptr && entry->definition.type == TagType::kFlag) return;
    out_ += " in {";
    for (size_t i = 0; i < node.codes.size() && i < kListedMax; ++i) {
      if (i > 0) out_ += ", ";
      const uint32_t code = node.codes[i];
      const bool known = entry != nullptr && code < entry->values->size();
      out_ += known ? entry->values->value(code) : fmt::format("#{}", code);
    }
    PrintCut(node.codes.size());
    out_ += '}';
  }
  void Print(const TagExists& node) { out_ += fmt::format("exists({})", Name(node.tag)); }
  void Print(const NumericRanges& node) {
    out_ += Name(node.tag) + " in ";
    for (size_t i = 0; i < node.intervals.size() && i < kListedMax; ++i) {
      if (i > 0) out_ += ", ";
      const Interval& interval = node.intervals[i];
      out_ +=
          fmt::format("[{}, {}]", Number(node.tag, interval.low), Number(node.tag, interval.high));
    }
    PrintCut(node.intervals.size());
  }
  void Print(const Ordinals& node) {
    out_ += fmt::format("{}({})", node.label.empty() ? "ids" : node.label,
                        node.set == nullptr ? 0 : node.set->cardinality());
  }
  void Print(const HashBuckets& node) {
    out_ += fmt::format("bucket('{}', {}, {})", node.salt, node.from, node.to);
  }
  void Print(const Everybody&) { out_ += "all"; }
  void Print(const Nobody&) { out_ += "none"; }

  void PrintOperands(std::string_view name, const std::vector<LogicalPlan>& operands) {
    out_.append(name).append(1, '(');
    for (size_t i = 0; i < operands.size(); ++i) {
      if (i > 0) out_ += ", ";
      Print(operands[i]);
    }
    out_ += ')';
  }
  void PrintCut(size_t size) {
    if (size > kListedMax) out_ += fmt::format(", ... {} in all", size);
  }

  std::string Name(uint32_t tag) const {
    const index::TagEntry* entry = catalogue_.FindById(tag);
    if (entry == nullptr) return fmt::format("#{}", tag);
    const std::string& name = entry->definition.name;
    return IsPlainName(name) ? name : fmt::format("\"{}\"", name);
  }
  // A stored number as the tag's values are read.
  std::string Number(uint32_t tag, int64_t number) const {
    if (number == std::numeric_limits<int64_t>::min()) return "min";
    if (number == std::numeric_limits<int64_t>::max()) return "max";
    const index::TagEntry* entry = catalogue_.FindById(tag);
    if (entry == nullptr) return std::to_string(number);
    switch (entry->definition.type) {
      case TagType::kDecimal:
        return FormatDecimal({.units = number, .scale = entry->definition.scale});
      case TagType::kDate:
        return FormatIsoDate(absl::CivilDay(1970, 1, 1) + number);
      case TagType::kDateTime:
        return FormatIsoTimestamp(number);
      case TagType::kFlag:
      case TagType::kCategory:
      case TagType::kLabels:
      case TagType::kInteger:
        break;
    }
    return std::to_string(number);
  }

  const index::Catalogue& catalogue_;
  std::string& out_;
};

}  // namespace

bool operator==(const LogicalAnd& a, const LogicalAnd& b) { return a.operands == b.operands; }
bool operator==(const LogicalOr& a, const LogicalOr& b) { return a.operands == b.operands; }
bool operator==(const LogicalNot& a, const LogicalNot& b) { return a.operand == b.operand; }
bool operator==(const LogicalPlan& a, const LogicalPlan& b) { return a.node == b.node; }

std::string ToString(const LogicalPlan& plan, const index::Catalogue& catalogue) {
  std::string out;
  Printer(catalogue, &out).Print(plan);
  return out;
}

}  // namespace throng::query
