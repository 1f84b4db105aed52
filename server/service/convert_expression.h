// Expression trees of the API and of the query language.
//
//   absl::StatusOr<query::Expression> e = ToExpression(proto, limits, FieldPath("tree"));
//   ExpressionToProto(*e, &proto);   // the same tree, in canonical form
//
// Depth, nodes and list lengths are bounded while converting, so that a small message cannot become
// a large tree; the rest is query::Validate's. Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_EXPRESSION_H_
#define THRONG_SERVER_SERVICE_CONVERT_EXPRESSION_H_

#include "absl/status/statusor.h"
#include "query/expression.h"
#include "server/service/field_path.h"
#include "throng/v1/expression.pb.h"

namespace throng::service {

// A valid expression. Errors: kInvalidArgument as query::Validate, and with the path of what is
// wrong REQUIRED (an unset oneof or operand), UNSPECIFIED (an enum), BAD_DECIMAL, BAD_TIMESTAMP,
// BAD_ROARING, MISPLACED_LIMIT.
absl::StatusOr<query::Expression> ToExpression(const v1::Expression& proto,
                                               const query::ExpressionLimits& limits,
                                               const FieldPath& field);

// Errors: kInvalidArgument (REQUIRED, VALUE_OUT_OF_RANGE) with the path of what is wrong.
absl::StatusOr<query::CrowdRef> ToCrowdRef(const v1::CrowdRef& proto, const FieldPath& field);

void CrowdRefToProto(const query::CrowdRef& crowd, v1::CrowdRef* proto);

// `expression` has at most limits.depth_max levels (every parsed or converted one has).
void ExpressionToProto(const query::Expression& expression, v1::Expression* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_EXPRESSION_H_
