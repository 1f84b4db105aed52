#include "query/expression.h"

namespace throng::query {

bool operator==(const Expression& a, const Expression& b) { return a.node == b.node; }
bool operator==(const And& a, const And& b) { return a.operands == b.operands; }
bool operator==(const Or& a, const Or& b) { return a.operands == b.operands; }
bool operator==(const Not& a, const Not& b) { return a.operand == b.operand; }

}  // namespace throng::query
