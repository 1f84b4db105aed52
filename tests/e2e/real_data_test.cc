// The known answers of the real data sets, from their files through `throng load` to `throng
// count`, and for each set that count, breakdown, export, members and portraits agree.
#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/live_server_test.h"

namespace throng::e2e {
namespace {

class RealDataTest : public LiveServerTest {
 protected:
  // Expects count, breakdown by a tag of one value a user, export and members of a crowd to agree.
  void ExpectAgreement(const Throng& throng, const std::string& expression,
                       const std::string& category) const {
    const int64_t count = throng.Count(expression);
    Json insight = throng.Ask({"insight", expression, "--by", category, "--top", "65535"});
    ASSERT_TRUE(insight.is_object());
    EXPECT_EQ(insight["count"], count);
    Json& tag = insight["tags"][0];
    int64_t sum = tag["missing"]["count"].get<int64_t>() + tag["others"]["count"].get<int64_t>();
    for (Json& row : tag["rows"]) sum += row["count"].get<int64_t>();
    EXPECT_EQ(sum, count) << "by " << category;

    Json members = throng.Ask({"members", expression, "--page-size", "10"});
    EXPECT_EQ(members["total"], count);
    const std::string file = File(category + ".txt");
    Json summary = throng.Ask({"export", expression, "-o", file, "--force"});
    EXPECT_EQ(summary["count"], count);
    const std::vector<std::string> ids = LinesOf(ReadFile(file));
    EXPECT_EQ(static_cast<int64_t>(ids.size()), count);
    EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), ids.size()) << "ids repeat";
  }

  // The sum of an INTEGER tag over a crowd, from an export.
  int64_t SumOf(const Throng& throng, const std::string& expression, const std::string& tag) const {
    const std::string file = File("sum.ndjson");
    throng.Ask({"export", expression, "-o", file, "--format", "ndjson", "--tags", tag, "--force"});
    int64_t sum = 0;
    for (const std::string& line : LinesOf(ReadFile(file))) {
      Json row = Json::parse(line, nullptr, false);
      if (row[tag].is_number_integer()) sum += row[tag].get<int64_t>();
    }
    return sum;
  }
};

// How many different values a tag has.
int64_t ValueCount(const Throng& throng, const std::string& tag) {
  return throng.Ask({"tags", "get", tag}).value("value_count", int64_t{-1});
}

// The users of all values of a tag together.
int64_t PairsOf(const Throng& throng, const std::string& tag) {
  Json answer = throng.Ask({"tags", "values", tag, "--limit", "65536"});
  int64_t pairs = 0;
  for (Json& value : answer["values"]) pairs += value["user_count"].get<int64_t>();
  return pairs;
}

#define DATA_FILE(variable, name)              \
  const std::string variable = DataFile(name); \
  if (variable.empty()) GTEST_SKIP() << NoDataMessage()

std::string BankSchema() {
  return "delimiter = \";\"\nid = \"row-number\"\n" + Tag("age", "INTEGER") +
         Tag("job", "CATEGORY") + Tag("marital", "CATEGORY") + Tag("education", "CATEGORY") +
         Tag("default", "FLAG") + Tag("balance", "INTEGER") + Tag("housing", "FLAG") +
         Tag("loan", "FLAG") + Tag("contact", "CATEGORY") + Tag("duration", "INTEGER") +
         Tag("campaign", "INTEGER") + Tag("pdays", "INTEGER") + Tag("poutcome", "CATEGORY") +
         Tag("y", "FLAG");
}

// Figures counted from the file by other means.
void ExpectBankTables(const Throng& bank) {
  Json jobs = bank.Ask({"crosstab", "housing and not loan", "--rows", "job", "--columns", "marital",
                        "--top-rows", "4"});
  EXPECT_EQ(jobs["count"], 20'763);
  EXPECT_EQ(jobs["rows"]["entries"][3]["value"], "admin.");
  EXPECT_EQ(jobs["cells"], Json::parse(R"([[4210, 1241, 464, 0, 0], [2187, 1291, 494, 0, 0],
      [1706, 1188, 405, 0, 0], [1277, 905, 396, 0, 0], [2970, 1381, 648, 0, 0],
      [0, 0, 0, 0, 0]])"));
  Json ages =
      bank.Ask({"crosstab", "all()", "--rows", "age", "--row-edges", "30,40,60", "--columns", "y"});
  EXPECT_EQ(ages["cells"], Json::parse(R"([[928, 4345, 0, 0], [1913, 16176, 0, 0],
      [1848, 18217, 0, 0], [600, 1184, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])"));
  Json overlap = bank.Ask({"overlap", "housing=housing", "loan=loan", "yes=y"});
  EXPECT_EQ(overlap["union_count"], 45'211 - 14'069);
  EXPECT_EQ(overlap["pairs"],
            Json::parse("[[25130, 4367, 1935], [4367, 7244, 484], [1935, 484, 5289]]"));
  std::vector<int64_t> exclusive;
  for (Json& each : overlap["intersections"]) exclusive.push_back(each["count"].get<int64_t>());
  EXPECT_EQ(exclusive, (std::vector<int64_t>{19'093, 4'102, 3'135, 2'658, 1'670, 265, 219}));
}

TEST_F(RealDataTest, BankFull) {
  DATA_FILE(path, "bank-marketing/bank-full.csv.gz");
  const Throng bank = CreatePopulation(throng(), "bank-full");
  Json summary = Load(bank, path, Write("bank.toml", BankSchema()));
  EXPECT_EQ(summary["rows"], 45'211);
  EXPECT_EQ(summary["users_created"], 45'211);
  ExpectCounts(bank, {{"all()", 45'211},
                      {"y", 5'289},
                      {"not y", 39'922},
                      {"marital = 'married'", 27'214},
                      {"marital = 'single'", 12'790},
                      {"marital = 'divorced'", 5'207},
                      {"education = 'secondary'", 23'202},
                      {"education = 'tertiary'", 13'301},
                      {"education = 'primary'", 6'851},
                      {"education = 'unknown'", 1'857},
                      {"job = 'blue-collar'", 9'732},
                      {"job = 'management'", 9'458},
                      {"job = 'technician'", 7'597},
                      {"job = 'student'", 938},
                      {"job = 'unknown'", 288},
                      {"housing", 25'130},
                      {"loan", 7'244},
                      {"default", 815},
                      {"housing or loan", 28'007},
                      {"housing and loan", 4'367},
                      {"not (housing or loan)", 17'204},
                      {"contact = 'cellular'", 29'285},
                      {"contact = 'unknown'", 13'020},
                      {"contact = 'telephone'", 2'906},
                      {"poutcome = 'success'", 1'511},
                      {"y and poutcome = 'success'", 978},
                      {"pdays = -1", 36'954},
                      {"balance < 0", 3'766},
                      {"age < 18 or age > 95", 0},
                      {"duration > 4918", 0}});
  EXPECT_GT(bank.Count("age = 18"), 0);
  EXPECT_GT(bank.Count("age = 95"), 0);
  EXPECT_EQ(bank.Count("duration = 4918"), 1);
  EXPECT_EQ(SumOf(bank, "all()", "balance"), 61'589'682);
  EXPECT_EQ(SumOf(bank, "all()", "campaign"), 124'956);
  ExpectAgreement(bank, "housing and not loan", "job");
  ExpectBankTables(bank);
  Json user = bank.Ask({"portrait", "1"});
  EXPECT_EQ(user["tags"], Json::parse(R"({"age":58,"job":"management","marital":"married",
      "education":"tertiary","balance":2143,"housing":true,"contact":"unknown","duration":261,
      "campaign":1,"pdays":-1,"poutcome":"unknown"})"));
}

TEST_F(RealDataTest, BankSamples) {
  DATA_FILE(small, "bank-marketing/bank.csv");
  DATA_FILE(full, "bank-marketing/bank-additional-full.csv.gz");
  DATA_FILE(additional, "bank-marketing/bank-additional.csv");
  const Throng bank = CreatePopulation(throng(), "bank");
  Load(bank, small, Write("bank.toml", BankSchema()));
  ExpectCounts(bank, {{"all()", 4'521}, {"y", 521}});
  ExpectAgreement(bank, "y", "marital");

  const std::string schema = Write(
      "additional.toml", "delimiter = \";\"\nid = \"row-number\"\n" + Tag("y", "FLAG") +
                             Tag("default", "CATEGORY") + Tag("contact", "CATEGORY") +
                             Tag("marital", "CATEGORY") + Tag("education", "CATEGORY") +
                             Tag("emp.var.rate", "DECIMAL", "scale = 1") + Tag("pdays", "INTEGER"));
  const Throng later = CreatePopulation(throng(), "bank-additional-full");
  Load(later, full, schema);
  ExpectCounts(later, {{"all()", 41'188},
                       {"y", 4'640},
                       {"not y", 36'548},
                       {"default = 'unknown'", 8'597},
                       {"default = 'yes'", 3},
                       {"pdays = 999", 39'673},
                       {"contact = 'cellular'", 26'144},
                       {"marital = 'unknown'", 80},
                       {"exists(\"emp.var.rate\")", 41'188}});
  EXPECT_EQ(later.Count("\"emp.var.rate\" < 0") + later.Count("\"emp.var.rate\" >= 0"), 41'188);
  ExpectAgreement(later, "\"emp.var.rate\" >= 1.1 and education != 'basic.4y'", "education");
  EXPECT_EQ(later.Ask({"portrait", "1"})["tags"]["emp.var.rate"], "1.1");

  const Throng sample = CreatePopulation(throng(), "bank-additional");
  Load(sample, additional, schema);
  ExpectCounts(sample, {{"all()", 4'119}, {"y", 451}});
  // Populations do not touch each other.
  ExpectCounts(bank, {{"all()", 4'521}, {"y", 521}});
}

// The schema is the drafted one, where the draft needs no correction.
TEST_F(RealDataTest, AdultByADraftedSchema) {
  DATA_FILE(path, "adult/adult.csv.gz");
  const Throng adult = CreatePopulation(throng(), "adult");
  const std::string schema = File("adult.toml");
  const CommandResult drafted = adult.Run({"schema", "infer", path, "-o", schema});
  ASSERT_EQ(drafted.exit_code, 0) << drafted;
  Load(adult, path, schema);
  ExpectCounts(adult, {{"all()", 32'561},
                       {"income = '>50K'", 7'841},
                       {"income = '<=50K'", 24'720},
                       {"sex = 'Male'", 21'790},
                       {"sex = 'Female'", 10'771},
                       {"sex = 'Female' and income = '>50K'", 1'179},
                       {"\"native.country\" = 'United-States'", 29'170},
                       {"not exists(workclass)", 1'836},
                       {"not exists(occupation)", 1'843},
                       {"not (exists(workclass) and exists(occupation) and "
                        "exists(\"native.country\"))",
                        2'399}});
  EXPECT_EQ(SumOf(adult, "all()", "fnlwgt"), 6'179'373'392);
  ExpectAgreement(adult, "sex = 'Female' and income = '>50K'", "workclass");
  Json user = adult.Ask({"portrait", "1"})["tags"];
  EXPECT_EQ(user["age"], 90);
  EXPECT_EQ(user["marital.status"], "Widowed");
  EXPECT_FALSE(user.contains("workclass")) << user;
}

TEST_F(RealDataTest, NewCoderSurveyHasChoicesInColumns) {
  DATA_FILE(path, "fcc-new-coder-2016/new-coder-survey-2016-part1.csv.gz");
  const auto columns = [](int first, int last) {
    std::string list;
    for (int i = first; i <= last; ++i) list += fmt::format("{}\"#{}\"", i > first ? ", " : "", i);
    return fmt::format("columns = [{}]", list);
  };
  const Throng coders = CreatePopulation(throng(), "coders");
  // The last column of each group is what people typed themselves.
  Json summary =
      Load(coders, path,
           Write("fcc.toml", "id_column = \"#\"\n" + Tag("developer", "FLAG", "column = \"#1\"") +
                                 Tag("role", "CATEGORY", "column = \"#3\"") +
                                 Tag("bootcamp", "FLAG", "column = \"#39\"") +
                                 Tag("events", "LABELS", columns(9, 17)) +
                                 Tag("resources", "LABELS", columns(19, 29)) +
                                 Tag("podcasts", "LABELS", columns(31, 35)) +
                                 Tag("other_podcast", "LABELS", "column = \"#36\"") +
                                 Tag("started", "DATETIME", "column = \"Start Date (UTC)\"") +
                                 Tag("network", "CATEGORY", "column = \"Network ID\"")));
  EXPECT_EQ(summary["users_created"], 15'653);
  ExpectCounts(coders, {{"all()", 15'653},
                        {"developer", 4'309},
                        {"bootcamp", 955},
                        {"resources = 'Free Code Camp'", 10'959},
                        {"resources = 'Codecademy'", 9'607},
                        {"resources = 'Free Code Camp' and resources = 'Codecademy'", 7'219},
                        {"resources in ('Free Code Camp', 'Codecademy')", 10'959 + 9'607 - 7'219},
                        {"events = 'hackathons'", 2'429},
                        {"events = 'None'", 8'612},
                        {"started < '2016-03-29 21:21:23'", 0},
                        {"started > '2016-05-02 19:10:57'", 0}});
  EXPECT_GT(coders.Count("started = '2016-03-29 21:21:23'"), 0);
  EXPECT_GT(coders.Count("started = '2016-05-02 19:10:57'"), 0);
  Json networks = coders.Ask({"tags", "values", "network", "--limit", "1"});
  EXPECT_EQ(networks["values"][0]["user_count"], 33);
  ExpectAgreement(coders, "resources = 'Codecademy' and not developer", "role");
  Json user = coders.Ask({"portrait", "995106cd710ec2af0e371cbe5e1f68fb"})["tags"];
  EXPECT_EQ(user["resources"], Json::parse(R"(["Codecademy", "EdX"])"));
  EXPECT_EQ(user["podcasts"], Json::parse(R"(["None"])"));
  EXPECT_FALSE(user.contains("events")) << user;
  EXPECT_EQ(user["started"], "2016-03-29T21:21:23Z");
}

// What a DST file says, one row a value: user, tag, value. Besides the areas of each user the
// first and their number, which no condition on the areas can ask for.
std::string VisitsInTheLongForm(const std::string& path) {
  std::string rows = "user,tag,value\n";
  std::string user;
  int areas = 0;
  const auto end_user = [&] {
    if (!user.empty()) rows += fmt::format("{},area_count,{}\n", user, areas);
    areas = 0;
  };
  for (const std::string& line : LinesOf(ReadGzip(path))) {
    if (line.starts_with("C,")) {
      end_user();
      user = line.substr(line.rfind(',') + 1);
    } else if (line.starts_with("V,")) {
      const std::string area = line.substr(2, line.find(',', 2) - 2);
      if (areas == 0) rows += fmt::format("{},first_area,{}\n", user, area);
      rows += fmt::format("{},areas,{}\n", user, area);
      ++areas;
    }
  }
  end_user();
  return rows;
}

std::string LongSchema(const std::string& tags) {
  return "form = \"long\"\nuser_column = \"user\"\ntag_column = \"tag\"\n"
         "value_column = \"value\"\n" +
         tags;
}

TEST_F(RealDataTest, WebVisitsInTheLongForm) {
  DATA_FILE(training, "msweb/anonymous-msweb.data.gz");
  DATA_FILE(test, "msweb/anonymous-msweb.test.gz");
  const std::string schema =
      Write("visits.toml", LongSchema(Tag("areas", "LABELS") + Tag("area_count", "INTEGER") +
                                      Tag("first_area", "CATEGORY")));
  const Throng visits = CreatePopulation(throng(), "msweb");
  Load(visits, Write("training.csv", VisitsInTheLongForm(training)), schema);
  EXPECT_EQ(PairsOf(visits, "areas"), 98'654);
  EXPECT_EQ(ValueCount(visits, "areas"), 285);
  ExpectCounts(visits, {{"all()", 32'711},
                        {"areas = '1008'", 10'836},
                        {"areas = '1034'", 9'383},
                        {"areas = '1004'", 8'463},
                        {"areas = '1008' and areas = '1034'", 5'260},
                        {"areas in ('1008', '1034')", 14'959},
                        {"areas = '1008' or areas = '1034'", 14'959},
                        {"areas = '1008' and not areas = '1034'", 5'576},
                        {"areas = '1008' and areas != '1034'", 5'576},
                        {"area_count = 1", 9'995},
                        {"area_count > 35", 0}});
  EXPECT_GT(visits.Count("area_count = 35"), 0);
  EXPECT_EQ(visits.Ask({"portrait", "10001"})["tags"],
            Json::parse(R"({"areas":["1000","1001","1002"],"area_count":3,"first_area":"1000"})"));
  ExpectAgreement(visits, "areas = '1008' and areas = '1034'", "first_area");
  // Counted from the file by other means: others are users once, however many areas they have.
  Json areas = visits.Ask({"crosstab", "all()", "--rows", "areas", "--columns", "areas",
                           "--top-rows", "2", "--top-columns", "2"});
  EXPECT_EQ(areas["cells"], Json::parse(R"([[10836, 5260, 8085, 0], [5260, 9383, 5668, 0],
      [8085, 5668, 28217, 0], [0, 0, 0, 0]])"));
  EXPECT_EQ(areas["rows"]["others"]["count"], 28'217);
  EXPECT_EQ(areas["rows"]["others"]["values"], 283);

  const Throng others = CreatePopulation(throng(), "msweb-test");
  Load(others, Write("test.csv", VisitsInTheLongForm(test)), schema);
  EXPECT_EQ(PairsOf(others, "areas"), 15'191);
  ExpectCounts(others, {{"all()", 5'000},
                        {"areas = '1008' and areas = '1034'", 832},
                        {"areas = '1008' or areas = '1034'", 2'284},
                        {"areas = '1008' and not areas = '1034'", 843}});
  // The ids of both overlap, the people do not.
  EXPECT_EQ(visits.Count("all()"), 32'711);
}

TEST_F(RealDataTest, OnlineRetailRows) {
  DATA_FILE(path, "online-retail/online-retail.csv.gz");
  // A cancelled invoice starts with C, which no condition can ask for: a column says it.
  std::string rows = "cancelled,";
  bool header = true;
  for (const std::string& line : LinesOf(ReadGzip(path))) {
    if (!header) rows += line.starts_with('C') ? "1," : "0,";
    header = false;
    rows += line;
    rows += '\n';
  }
  const Throng retail = CreatePopulation(throng(), "retail");
  Json summary =
      Load(retail, Write("rows.csv", rows),
           Write("rows.toml", "id = \"row-number\"\n" + Tag("cancelled", "FLAG") +
                                  Tag("InvoiceNo", "CATEGORY") + Tag("StockCode", "CATEGORY") +
                                  Tag("Description", "CATEGORY") + Tag("Quantity", "INTEGER") +
                                  Tag("InvoiceDate", "DATETIME") + Tag("CustomerID", "CATEGORY") +
                                  Tag("Country", "CATEGORY")));
  EXPECT_EQ(summary["rows"], 541'909);
  ExpectCounts(retail, {{"all()", 541'909},
                        {"not exists(CustomerID)", 135'080},
                        {"cancelled", 9'288},
                        {"Quantity < 0", 10'624},
                        {"not exists(Description)", 1'454},
                        {"Country = 'United Kingdom'", 495'478},
                        {"InvoiceDate < '2010-12-01 08:26:00'", 0},
                        {"InvoiceDate > '2011-12-09 12:50:00'", 0},
                        {"InvoiceDate >= '2010-12-01' and InvoiceDate < '2011-01-01'", 42'481},
                        {"InvoiceDate between '2011-11-01' and '2011-11-30'", 84'711}});
  EXPECT_GT(retail.Count("InvoiceDate = '2010-12-01 08:26:00'"), 0);
  EXPECT_GT(retail.Count("InvoiceDate = '2011-12-09 12:50:00'"), 0);
  EXPECT_EQ(ValueCount(retail, "CustomerID"), 4'372);
  EXPECT_EQ(ValueCount(retail, "InvoiceNo"), 25'900);
  EXPECT_EQ(ValueCount(retail, "StockCode"), 4'070);
  EXPECT_EQ(ValueCount(retail, "Country"), 38);
  EXPECT_EQ(SumOf(retail, "all()", "Quantity"), 5'176'450);
  Json cancelled =
      retail.Ask({"insight", "cancelled", "--by", "InvoiceNo", "--top", "65535"})["tags"][0];
  int64_t invoices = 0;
  for (Json& row : cancelled["rows"]) invoices += row["count"] > 0 ? 1 : 0;
  EXPECT_EQ(invoices, 3'836);
  ExpectAgreement(retail, "cancelled and exists(CustomerID)", "Country");
  EXPECT_EQ(retail.Ask({"portrait", "1"})["tags"]["Description"],
            "WHITE HANGING HEART T-LIGHT HOLDER");
}

TEST_F(RealDataTest, OnlineRetailCustomers) {
  DATA_FILE(path, "online-retail/online-retail.csv.gz");
  // One row a purchase; the customer and the country stand at the end and are never quoted.
  std::string rows = "user,tag,value\n";
  for (const std::string& line : LinesOf(ReadGzip(path))) {
    const size_t country = line.rfind(',');
    const size_t customer = line.rfind(',', country - 1);
    if (line.starts_with("InvoiceNo") || customer + 1 == country) continue;
    rows += fmt::format("{},countries,{}\n", line.substr(customer + 1, country - customer - 1),
                        line.substr(country + 1));
  }
  const Throng customers = CreatePopulation(throng(), "customers");
  Load(customers, Write("rows.csv", rows),
       Write("rows.toml", "integral_floats = true\n" + LongSchema(Tag("countries", "LABELS"))));
  ExpectCounts(customers, {{"all()", 4'372}, {"countries = 'United Kingdom'", 3'950}});
  EXPECT_EQ(PairsOf(customers, "countries"), 4'372 + 8);  // eight are in two countries
  EXPECT_EQ(customers.Ask({"portrait", "17850"})["tags"]["countries"],
            Json::parse(R"(["United Kingdom"])"));
}

TEST_F(RealDataTest, OpenUniversityEnrolments) {
  DATA_FILE(info, "oulad/studentInfo.csv.gz");
  DATA_FILE(registration, "oulad/studentRegistration.csv");
  const Throng enrolments = CreatePopulation(throng(), "enrolments");
  Load(enrolments, info,
       Write("info.toml", "id = \"row-number\"\n" + Tag("id_student", "CATEGORY") +
                              Tag("gender", "CATEGORY") + Tag("region", "CATEGORY") +
                              Tag("imd_band", "CATEGORY") +
                              Tag("disability", "FLAG", "true = [\"Y\"]\nfalse = [\"N\"]")));
  // Both files list the enrolments in the same order: the second adds to the users of the first.
  Json summary = Load(enrolments, registration,
                      Write("registration.toml",
                            "id = \"row-number\"\nintegral_floats = true\n" +
                                Tag("registered", "INTEGER", "column = \"date_registration\"")),
                      {"--unknown-ids", "error"});
  EXPECT_EQ(summary["users_created"], 0);
  ExpectCounts(enrolments, {{"all()", 32'593},
                            {"gender = 'F'", 14'718},
                            {"disability", 3'164},
                            {"not exists(imd_band)", 1'111},
                            {"not exists(registered)", 45}});
  EXPECT_EQ(ValueCount(enrolments, "id_student"), 28'785);
  ExpectAgreement(enrolments, "gender = 'F' and disability", "region");
  EXPECT_EQ(enrolments.Ask({"portrait", "1"})["tags"]["registered"], -159);
}

TEST_F(RealDataTest, OpenUniversityStudentsAndTheirHandIns) {
  DATA_FILE(info, "oulad/studentInfo.csv.gz");
  DATA_FILE(assessment, "oulad/studentAssessment.csv.gz");
  const Throng students = CreatePopulation(throng(), "students");
  Json summary =
      Load(students, info,
           Write("info.toml", "id_column = \"id_student\"\n" + Tag("gender", "CATEGORY")));
  EXPECT_EQ(summary["rows"], 32'593);
  EXPECT_EQ(summary["users_created"], 28'785);
  EXPECT_EQ(students.Count("exists(gender)"), 28'785);
  // The last hand-in of each student; students who are not enrolled are left out.
  Load(students, assessment,
       Write("last.toml", "id_column = \"id_student\"\n" +
                              Tag("last_assessment", "CATEGORY", "column = \"id_assessment\"")),
       {"--unknown-ids", "skip"});
  EXPECT_EQ(students.Count("exists(last_assessment)"), 23'369);
  ExpectAgreement(students, "exists(last_assessment)", "gender");

  const Throng hand_ins = CreatePopulation(throng(), "hand-ins");
  Load(hand_ins, assessment,
       Write("hand_ins.toml", "id = \"row-number\"\n" + Tag("id_student", "CATEGORY") +
                                  Tag("id_assessment", "CATEGORY") +
                                  Tag("date_submitted", "INTEGER") + Tag("is_banked", "FLAG")));
  ExpectCounts(hand_ins, {{"all()", 173'912},
                          {"is_banked", 1'909},
                          {"date_submitted < -11 or date_submitted > 608", 0}});
  EXPECT_GT(hand_ins.Count("date_submitted = -11"), 0);
  EXPECT_GT(hand_ins.Count("date_submitted = 608"), 0);
  EXPECT_EQ(ValueCount(hand_ins, "id_student"), 23'369);
  EXPECT_EQ(ValueCount(hand_ins, "id_assessment"), 188);
  ExpectAgreement(hand_ins, "is_banked", "id_assessment");
}

}  // namespace
}  // namespace throng::e2e
