// Tables for people: columns aligned by the width a terminal gives them.
//
//   Table table({{"VALUE"}, {"USERS", Table::Align::kRight}});
//   table.AddRow({"北京", FormatCount(1234)});
//   table.AddRow({"Paris", FormatCount(7)});
//   table.Render();  // "VALUE  USERS\n北京   1,234\nParis      7\n"
#ifndef THRONG_CLI_TABLE_H_
#define THRONG_CLI_TABLE_H_

#include <string>
#include <vector>

namespace throng::cli {

// Collects rows and lays them out. Not thread-safe.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns);

  // Adds a row; cells that are missing at its end are empty, control characters are escaped.
  // REQUIRES: no more cells than columns.
  void AddRow(std::vector<std::string> cells);

  bool empty() const { return rows_.empty(); }

  // Lines with two spaces between columns and none at their ends. The first line has the titles,
  // unless all of them are empty.
  std::string Render() const;

 private:
  std::string RenderLine(const std::vector<std::string>& cells,
                         const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_TABLE_H_
