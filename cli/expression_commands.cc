// throng parse and throng format: expressions as text and as trees.
#include <memory>
#include <string>
#include <string_view>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/expression_tree.h"
#include "cli/json_output.h"
#include "cli/selection_options.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"
#include "throng/v1/selection.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kParseExamples = R"help(Examples:
  throng parse "not city = 'Beijing' and views_7d > 3"
  throng parse --file crowd.txt --json > crowd.json)help";

constexpr const char* kFormatExamples = R"help(Examples:
  throng format crowd.json
  throng parse "views_7d > 3" --json | throng format -
The file holds the tree as protobuf JSON, alone or as "tree" in what parse --json prints.)help";

int PrintTree(const v1::ParseExpressionResponse& response, const GlobalOptions& options) {
  const absl::StatusOr<Json> tree = TreeToJson(response.tree());
  if (!tree.ok()) return ReportFailure(tree.status(), options);
  if (options.json) {
    PrintJson({{"canonical_expression", response.canonical_expression()}, {"tree", *tree}});
  } else {
    fmt::print("{}\n\n{}\n", Printable(response.canonical_expression()),
               tree->dump(1, ' ', false, Json::error_handler_t::replace));
  }
  return kExitOk;
}

int RunParse(const ExpressionSource& source, const GlobalOptions& options) {
  absl::StatusOr<std::string> expression = ReadExpression(source);
  if (!expression.ok()) return ReportUsage(expression.status(), options);
  v1::ParseExpressionRequest request;
  request.set_expression(*expression);
  v1::ParseExpressionResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = CallDeep(
      Connect(options), "/throng.v1.SelectionService/ParseExpression", context, request, &response);
  if (!status.ok()) return ReportFailure(status, options, *expression);
  return PrintTree(response, options);
}

// The tree in protobuf JSON, alone or as a member "tree". Errors: kInvalidArgument.
absl::StatusOr<v1::Expression> TreeOf(const std::string& text, const std::string& path) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return absl::InvalidArgumentError(fmt::format("{} does not hold a JSON object", path));
  }
  const absl::StatusOr<v1::Expression> tree =
      TreeFromJson(json.contains("tree") ? json["tree"] : json);
  if (tree.ok()) return tree;
  return absl::InvalidArgumentError(fmt::format(
      "{}: {}", path,
      std::string_view(tree.status().message().data(), tree.status().message().size())));
}

int RunFormat(const std::string& path, const GlobalOptions& options) {
  const absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return ReportUsage(text.status(), options);
  const absl::StatusOr<v1::Expression> tree = TreeOf(*text, path);
  if (!tree.ok()) return ReportUsage(tree.status(), options);
  v1::FormatExpressionRequest request;
  *request.mutable_tree() = *tree;
  v1::FormatExpressionResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::SelectionService::NewStub(Connect(options));
  const grpc::Status status = stub->FormatExpression(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options);
  if (options.json) {
    PrintJson({{"expression", response.expression()}});
  } else {
    fmt::print("{}\n", response.expression());
  }
  return kExitOk;
}

}  // namespace

void RegisterExpressionCommands(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* parse = app.add_subcommand("parse", "An expression's canonical text and its tree");
  auto source = std::make_shared<ExpressionSource>();
  AddExpressionSource(*parse, *source);
  parse->footer(kParseExamples);
  parse->callback([source, &options, &exit_code] { exit_code = RunParse(*source, options); });

  CLI::App* format = app.add_subcommand("format", "The canonical text of an expression tree");
  auto path = std::make_shared<std::string>();
  format->add_option("FILE", *path, "The tree as JSON; \"-\" reads it from stdin")
      ->type_name("")
      ->required();
  format->footer(kFormatExamples);
  format->callback([path, &options, &exit_code] { exit_code = RunFormat(*path, options); });
}

}  // namespace throng::cli
