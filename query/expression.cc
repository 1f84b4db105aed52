#include "query/expression.h"

namespace throng::query {

bool operator==(const Expression& a, const Expression& b) { return a.node == b.node; }
bool operator==(const And& a, const And& b) { return a.operands == b.operands; }
bool operator==(const Or& a, const Or& b) { return a.operands == b.operands; }
bool operator==(const Not& a, const Not& b) { return a.operand == b.operand; }
bool operator==(const Limited& a, const Limited& b) {
  return a.operand == b.operand && a.users == b.users && a.order == b.order;
}

const Expression& WithoutLimit(const Expression& expression) {
  const auto* limited = std::get_if<Limited>(&expression.node);
  return limited == nullptr ? expression : limited->operand.front();
}

}  // namespace throng::query
