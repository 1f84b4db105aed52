// Selections of the API as the engine takes them, and the info of results as the API gives it.
//
//   absl::StatusOr<engine::Selection> selection =
//       ToSelection(request.selection(), limits, FieldPath("selection"));
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_SELECTION_H_
#define THRONG_SERVER_SERVICE_CONVERT_SELECTION_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/engine/selection.h"
#include "server/service/field_path.h"
#include "server/service/service_limits.h"
#include "throng/v1/selection.pb.h"

namespace throng::service {

// Errors: kInvalidArgument (BAD_RESOURCE_NAME, REQUIRED at "what", EXPRESSION_TOO_LONG,
// BAD_TIMESTAMP, and of trees as ToExpression).
absl::StatusOr<engine::Selection> ToSelection(const v1::Selection& proto,
                                              const ServiceLimits& limits, const FieldPath& field);

// The expression alone, text or tree; as ToSelection.
absl::StatusOr<std::variant<std::string, query::Expression>> ToWhat(const v1::Selection& proto,
                                                                    const ServiceLimits& limits,
                                                                    const FieldPath& field);

// The exclusions. Errors: as ToCrowdRef, at "exclude[i]"; kInvalidArgument (TOO_MANY_EXCLUSIONS).
absl::StatusOr<std::vector<query::CrowdRef>> ToExclude(const v1::Selection& proto,
                                                       const FieldPath& field);

// The expression of a request's `baseline` beside a selection of `population`. Errors: as ToWhat;
// kInvalidArgument (OTHER_POPULATION). Its exclusions are ToExclude's.
absl::StatusOr<std::variant<std::string, query::Expression>> ToBaseline(
    const v1::Selection& proto, std::string_view population, const ServiceLimits& limits);

// kInvalidArgument (EXPRESSION_TOO_LONG) at `field` if the text is longer than the limit.
absl::Status CheckExpressionText(std::string_view text, const ServiceLimits& limits,
                                 const FieldPath& field);

// The engine's error of an expression, with the request's field it is about.
absl::Status AtSelection(const absl::Status& status, const v1::Selection& proto,
                         const FieldPath& field);

void WarningToProto(const query::Warning& warning, v1::Warning* proto);
void InfoToProto(const engine::ResultInfo& info, v1::ResultInfo* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_SELECTION_H_
