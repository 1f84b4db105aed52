// throng populations: list, get, create.
#include <memory>
#include <string>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "cli/withheld.h"
#include "fmt/format.h"
#include "throng/v1/population.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng populations list
  throng populations get default
  throng populations create owners --primary-id-type owner_id)help";

std::unique_ptr<v1::PopulationService::Stub> NewStub(const GlobalOptions& options) {
  return v1::PopulationService::NewStub(Connect(options));
}

int RunList(const GlobalOptions& options) {
  const auto stub = NewStub(options);
  Table table({{"POPULATION"},
               {"USERS", Table::Align::kRight},
               {"TAGS", Table::Align::kRight},
               {"DATA VERSION", Table::Align::kRight},
               {"PRIMARY ID"},
               {"NAME"}});
  Json populations = Json::array();
  v1::ListPopulationsRequest request;
  do {
    grpc::ClientContext context;
    SetDeadline(options, context);
    v1::ListPopulationsResponse response;
    const grpc::Status status = stub->ListPopulations(&context, request, &response);
    if (!status.ok()) return ReportFailure(status, options);
    for (const v1::Population& population : response.populations()) {
      populations.push_back(PopulationJson(population));
      table.AddRow({LastPart(population.name()),
                    NumberText(population, "user_count", population.user_count()),
                    FormatCount(population.tag_count()), std::to_string(population.data_version()),
                    population.primary_id_type(), population.display_name()});
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (options.json) {
    PrintJson({{"populations", std::move(populations)}});
  } else {
    fmt::print("{}", table.Render());
  }
  return kExitOk;
}

void PrintPopulation(const v1::Population& population, const GlobalOptions& options) {
  if (options.json) {
    PrintJson(PopulationJson(population));
    return;
  }
  Table table({{""}, {""}});
  table.AddRow({"population", LastPart(population.name())});
  if (!population.display_name().empty()) table.AddRow({"name", population.display_name()});
  table.AddRow({"primary id", population.primary_id_type()});
  table.AddRow({"users", NumberText(population, "user_count", population.user_count())});
  table.AddRow({"tags", FormatCount(population.tag_count())});
  table.AddRow({"data version", std::to_string(population.data_version())});
  fmt::print("{}", table.Render());
}

int RunGet(const std::string& name, const GlobalOptions& options) {
  v1::GetPopulationRequest request;
  request.set_name("populations/" + name);
  v1::Population population;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->GetPopulation(&context, request, &population);
  if (!status.ok()) return ReportFailure(status, options);
  PrintPopulation(population, options);
  return kExitOk;
}

int RunCreate(const v1::CreatePopulationRequest& request, const GlobalOptions& options) {
  v1::Population population;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->CreatePopulation(&context, request, &population);
  if (!status.ok()) return ReportFailure(status, options);
  PrintPopulation(population, options);
  return kExitOk;
}

}  // namespace

void RegisterPopulationsCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* group = app.add_subcommand("populations", "List, show and create populations");
  group->require_subcommand(1, 1);
  group->footer(kExamples);

  CLI::App* list = group->add_subcommand("list", "All populations");
  list->footer(kExamples);
  list->callback([&options, &exit_code] { exit_code = RunList(options); });

  CLI::App* get = group->add_subcommand("get", "One population");
  auto name = std::make_shared<std::string>();
  get->add_option("NAME", *name, "The population's name")->type_name("")->required();
  get->footer(kExamples);
  get->callback([name, &options, &exit_code] { exit_code = RunGet(*name, options); });

  CLI::App* create = group->add_subcommand("create", "Create a population");
  struct Arguments {
    std::string name, id_type, display_name;
  };
  auto arguments = std::make_shared<Arguments>();
  create->add_option("NAME", arguments->name, "The population's name")->type_name("")->required();
  create
      ->add_option("--primary-id-type", arguments->id_type,
                   "What users are known by; default user_id")
      ->type_name("TYPE");
  create->add_option("--display-name", arguments->display_name, "A name for people")
      ->type_name("TEXT");
  create->footer(kExamples);
  create->callback([arguments, &options, &exit_code] {
    v1::CreatePopulationRequest request;
    request.set_population_id(arguments->name);
    request.mutable_population()->set_primary_id_type(arguments->id_type);
    request.mutable_population()->set_display_name(arguments->display_name);
    exit_code = RunCreate(request, options);
  });
}

}  // namespace throng::cli
