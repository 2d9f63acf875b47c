// Every public function that makes tensors is a row of ops.def: the headers are read, and what the table
// lacks is named here with a reason.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "framework/io/file.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

const std::string kOps = HEED_SOURCE_DIR "/framework/ops/";

std::set<std::string> public_headers() {
  std::set<std::string> headers = {kOps + "spatial.h", HEED_SOURCE_DIR "/framework/core/tensor.h"};
  const std::string umbrella = read_file(kOps + "ops.h");
  const std::regex include("#include \"(framework/ops/[a-z_]+[.]h)\"");
  for (std::sregex_iterator it(umbrella.begin(), umbrella.end(), include), end; it != end; ++it) {
    headers.insert(HEED_SOURCE_DIR "/" + (*it)[1].str());
  }
  return headers;
}

// Headers of framework/ops that declare no op.
const std::map<std::string, std::string>& other_headers() {
  static const std::map<std::string, std::string> reasons = {
      {"ops.h", "includes the others"},
      {"apply.h", "how an op is written"},
      {"registry.h", "the table and its samples"},
      {"policy.h", "the table's policies"},
      {"elementwise.h", "loops inside of ops"},
      {"elementwise_op.h", "what functions of one tensor share"},
      {"naming.h", "whom an error names"},
      {"window.h", "argument checks inside of ops"},
      {"cross_entropy.h", "what two losses share"},
      {"sequence.h", "batches inside of lstm and attention_lstm"},
      {"moments.h", "what normalisations share"},
      {"integers.h", "reductions of whole numbers"},
      {"reduced.h", "what reductions share"},
      {"choices.h", "what gather, scatter and scatter_add share"},
      {"weighed.h", "what losses share"},
      {"random_rows.h", "which rows of a batch dropout draws for"},
      {"matrices.h", "what ops on batches of matrices share"},
      {"attention.h", "what the forms of scaled dot-product attention share"},
  };
  return reasons;
}

// Functions that are no rows.
const std::map<std::string, std::string>& without_row() {
  static const char* const kOperator = "one call of the function that it stands for";
  static const std::map<std::string, std::string> reasons = {
      {"operator+", kOperator},
      {"operator-", kOperator},
      {"operator*", kOperator},
      {"operator/", kOperator},
      {"operator%", kOperator},
      {"operator+=", kOperator},
      {"operator-=", kOperator},
      {"operator*=", kOperator},
      {"operator/=", kOperator},
      {"operator==", kOperator},
      {"operator!=", kOperator},
      {"operator<", kOperator},
      {"operator<=", kOperator},
      {"operator>", kOperator},
      {"operator>=", kOperator},
      {"operator&", kOperator},
      {"operator|", kOperator},
      {"operator^", kOperator},
      {"operator~", kOperator},
      {"operator!", kOperator},
      {"clip", "another name of clamp"},
      {"take_along_dim", "another name of gather"},
      {"ravel", "flatten of all dimensions"},
      {"swapaxes", "transpose of two named dimensions"},
      {"expand_as", "expand to another's shape"},
      {"reshape_as", "reshape to another's shape"},
      {"view_as", "view of another's shape"},
      {"type_as", "a cast to another's dtype"},
      {"cat", "another name of concat"},
      {"rand", "uniform in [0, 1)"},
      {"rand_like", "uniform_like in [0, 1)"},
      {"tensor", "from_vector of numbers in braces: its own test compares them"},
      {"clamp_min", "clamp with one bound"},
      {"clamp_max", "clamp with one bound"},
      {"argsort", "the indices of sort"},
      {"mm", "matmul of two matrices"},
      {"mv", "matmul of a matrix and a vector"},
      {"dot", "matmul of two vectors"},
      {"empty", "its values are not said"},
      {"empty_like", "its values are not said"},
      {"make_view", "unrecorded, and the caller answers for its bounds"},
      {"from_memory", "its values are its owner's"},
      {"indexed_attention",
       "scaled_dot_attention of rows that an index names, without gradient: its own test compares them"},
  };
  return reasons;
}

// Rows that are not the name of a function.
const std::map<std::string, std::string>& forms() {
  static const std::map<std::string, std::string> reasons = {{"gelu_tanh", "a form of gelu"},
                                                             {"pow_scalar", "pow with a number"},
                                                             {"clone", "a function of Tensor"}};
  return reasons;
}

struct Declared {
  std::map<std::string, std::set<std::string>> functions;  // at namespace level, with what they return
  std::set<std::string> of_tensors = {"Tensor", "std::vector<Tensor>"};  // types that hold tensors
  std::vector<std::string> unread;                                       // lines that may declare one
};

// Adds what a header declares.
void read_declarations(const std::string& header, Declared& all) {
  const std::regex function(
      "\\s*(?:\\[\\[[a-z]+\\]\\] )?(?:(?:inline|static|constexpr|const) "
      ")*((?:std::)?[A-Za-z_0-9]+(?:<.*>)?)[&*]? "
      "(operator[-+*/%=!<>&|^~]+|[A-Za-z_0-9]+)[(].*"),
      record("(?:struct|class|enum|enum class) ([A-Za-z0-9]+)[^(]*[{]");
  std::istringstream lines(header);
  std::string line, inside;  // of a struct
  bool detail = false;       // inside of namespace detail
  for (std::smatch match; std::getline(lines, line);) {
    if (line == "namespace detail {") detail = true;
    if (line == "}  // namespace detail") detail = false;
    if (detail) continue;
    if (std::regex_match(line, match, record)) {
      inside = match[1];
    } else if (line == "};") {
      inside.clear();
    } else if (!inside.empty()) {
      if (line.starts_with("  Tensor ")) all.of_tensors.insert(inside);
    } else if (std::regex_match(line, match, function) && match[1] != "return") {
      all.functions[match[2]].insert(match[1]);
    } else if (!line.starts_with("//") && !line.starts_with(" ") && !line.starts_with("extern template ") &&
               line.find(" Tensor::") == std::string::npos && line.find("Tensor") != std::string::npos &&
               line.find('(') != std::string::npos) {
      all.unread.push_back(line);
    }
  }
}

Declared declarations() {
  Declared all;
  for (const std::string& header : public_headers()) read_declarations(read_file(header), all);
  return all;
}

TEST(PublicOps, NoFormOfADeclarationIsMissed) {
  for (const char* const text :
       {"Tensor f(int x);", "[[nodiscard]] Tensor f(int x);", "static Tensor f(int x) {",
        "inline constexpr Tensor f();", "const Tensor& f(", "  Tensor f(int x);",
        "[[nodiscard]] inline const Tensor& f(int x);", "Tensor* f();"}) {
    Declared all;
    read_declarations(text, all);
    EXPECT_EQ(all.functions, (std::map<std::string, std::set<std::string>>{{"f", {"Tensor"}}})) << text;
  }
  Declared all;
  read_declarations(
      "auto f(int x) -> std::pair<int, Tensor>;\nstd::pair<Tensor, std::pair<int, int>> const& (f)(int);",
      all);
  EXPECT_EQ(all.unread.size() + all.functions.size(), 2U);
}

TEST(PublicOps, EveryFunctionThatMakesTensorsIsARow) {
  std::set<std::string> rows;
  for (const OpInfo& op : op_registry()) rows.insert(op.name);
  const auto [functions, of_tensors, unread] = declarations();
  for (const std::string& line : unread)
    ADD_FAILURE() << "a declaration that this test cannot read: " << line;
  const std::set<std::string> other_results = {
      "void", "std::ostream", "double", "int64_t", "bool", "std::vector<std::vector<ProbableId>>"};
  for (const auto& [name, returns] : functions) {
    for (const std::string& type : returns) {
      if (other_results.contains(type)) continue;
      EXPECT_TRUE(of_tensors.contains(type))
          << name << " gives " << type << ": tensors or not? This test does not know";
      EXPECT_NE(rows.contains(name), without_row().contains(name))
          << name << " is declared: a row of ops.def, or a reason here";
    }
  }
  for (const auto& [name, reason] : without_row())
    EXPECT_TRUE(functions.contains(name)) << name << " is declared no more";
  for (const std::string& row : rows)
    EXPECT_NE(functions.contains(row), forms().contains(row)) << row << " is a row and no function";
  EXPECT_GT(functions.size(), 120U);  // the headers were read
}

TEST(PublicOps, NoHeaderIsLeftOut) {
  const std::set<std::string> read = public_headers();
  for (const auto& file : std::filesystem::directory_iterator(kOps)) {
    if (file.path().extension() != ".h") continue;
    EXPECT_NE(read.contains(kOps + file.path().filename().string()),
              other_headers().contains(file.path().filename()))
        << file.path();
  }
}

}  // namespace
}  // namespace heed
