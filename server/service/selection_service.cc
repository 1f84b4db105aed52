#include "server/service/selection_service.h"

#include <optional>
#include <string>
#include <utility>

#include "index/error.h"
#include "query/formatter.h"
#include "query/parser.h"
#include "server/service/convert_expression.h"
#include "server/service/convert_result.h"
#include "server/service/convert_sample.h"
#include "server/service/convert_selection.h"
#include "server/service/export_framer.h"
#include "server/service/page_token.h"

namespace throng::service {
namespace {

constexpr std::string_view kSelection = "selection";

absl::Status HandleCount(const CallScope& scope, const v1::CountRequest& request,
                         v1::CountResponse* response) {
  const FieldPath field(kSelection);
  THRONG_ASSIGN_OR_RETURN(const engine::Selection selection,
                          ToSelection(request.selection(), scope.limits, field));
  engine::Selections& selections = scope.engine->selections();
  const absl::StatusOr<engine::CountResult> result =
      request.has_sample()
          ? selections.CountSample(scope.caller, selection, ToSample(request.sample()))
          : selections.Count(scope.caller, selection);
  if (!result.ok()) return AtSelection(result.status(), request.selection(), field);
  CountToProto(*result, response);
  return absl::OkStatus();
}

// The answer of a count that takes little.
bool CountNow(const CallScope& scope, const v1::CountRequest& request,
              v1::CountResponse* response) {
  if (request.has_sample()) return false;
  const absl::StatusOr<engine::Selection> selection =
      ToSelection(request.selection(), scope.limits, FieldPath(kSelection));
  if (!selection.ok()) return false;
  const std::optional<engine::CountResult> result =
      scope.engine->selections().CountNow(scope.caller, *selection);
  if (result.has_value()) CountToProto(*result, response);
  return result.has_value();
}

absl::Status HandleExplain(const CallScope& scope, const v1::ExplainRequest& request,
                           v1::ExplainResponse* response) {
  const FieldPath field(kSelection);
  THRONG_ASSIGN_OR_RETURN(const engine::Selection selection,
                          ToSelection(request.selection(), scope.limits, field));
  const absl::StatusOr<engine::ExplainResult> result =
      scope.engine->selections().Explain(scope.caller, selection,
                                         {.plan_only = request.plan_only(),
                                          .analyze = request.analyze(),
                                          .conditions_only = request.conditions_only()});
  if (!result.ok()) return AtSelection(result.status(), request.selection(), field);
  ExplainToProto(*result, response);
  return absl::OkStatus();
}

absl::Status HandleListMembers(const CallScope& scope, const v1::ListMembersRequest& request,
                               v1::ListMembersResponse* response) {
  const FieldPath field(kSelection);
  THRONG_ASSIGN_OR_RETURN(const engine::Selection selection,
                          ToSelection(request.selection(), scope.limits, field));
  THRONG_ASSIGN_OR_RETURN(const uint32_t page_size,
                          PageSize(request.page_size(), kMemberPageDefault, engine::kPageSizeMax));
  absl::StatusOr<engine::MembersPage> page = scope.engine->selections().ListMembers(
      scope.caller, selection, page_size, request.page_token());
  if (!page.ok()) return AtSelection(page.status(), request.selection(), field);
  MembersToProto(*std::move(page), response);
  return absl::OkStatus();
}

absl::Status HandleExport(const CallScope& scope, const v1::ExportMembersRequest& request,
                          WriteStream<v1::ExportMembersResponse>& stream) {
  const FieldPath field(kSelection);
  THRONG_ASSIGN_OR_RETURN(const engine::Selection selection,
                          ToSelection(request.selection(), scope.limits, field));
  const engine::ExportOptions options{.tags = {request.tags().begin(), request.tags().end()},
                                      .roaring = request.roaring()};
  ExportFramer framer(options.tags.size(), [&stream](const v1::ExportMembersResponse& frame) {
    return stream.Write(frame);
  });
  const engine::ExportSink sink{
      .start = [&](const engine::ExportStart& start) { return framer.Start(start); },
      .frame = [&](engine::ExportFrame frame) { return framer.Add(std::move(frame)); },
      .roaring = [&](const std::string& bytes) { return framer.AddRoaring(bytes); }};
  const absl::Status status =
      scope.engine->selections().Export(scope.caller, selection, options, sink);
  if (!status.ok()) return AtSelection(status, request.selection(), field);
  return framer.Finish();
}

absl::Status HandleParse(const CallScope& scope, const v1::ParseExpressionRequest& request,
                         v1::ParseExpressionResponse* response) {
  const FieldPath field("expression");
  THRONG_RETURN_IF_ERROR(CheckExpressionText(request.expression(), scope.limits, field));
  const absl::StatusOr<query::Expression> expression = query::Parse(request.expression(), {});
  if (!expression.ok()) return index::WithField(expression.status(), field.ToString());
  ExpressionToProto(*expression, response->mutable_tree());
  response->set_canonical_expression(query::Format(*expression));
  return absl::OkStatus();
}

absl::Status HandleFormat(const CallScope&, const v1::FormatExpressionRequest& request,
                          v1::FormatExpressionResponse* response) {
  const FieldPath field("tree");
  if (!request.has_tree()) return RequiredField(field);
  THRONG_ASSIGN_OR_RETURN(const query::Expression expression,
                          ToExpression(request.tree(), {}, field));
  response->set_expression(query::Format(expression));
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* SelectionService::Count(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  // What is answered without a worker is not refused either, and would take its time from refusals.
  if (calls_.PoolOf(CallKind::kRead).IsOverloaded()) {
    return calls_.Unary(context, request, response, &HandleCount);
  }
  return calls_.Quick(context, request, response, &CountNow, &HandleCount);
}
grpc::ServerUnaryReactor* SelectionService::Explain(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleExplain);
}
grpc::ServerUnaryReactor* SelectionService::ListMembers(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleListMembers);
}
grpc::ServerWriteReactor<grpc::ByteBuffer>* SelectionService::ExportMembers(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return calls_.ServerStream(context, request, &HandleExport);
}
grpc::ServerUnaryReactor* SelectionService::ParseExpression(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleParse);
}
grpc::ServerUnaryReactor* SelectionService::FormatExpression(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleFormat);
}

}  // namespace throng::service
