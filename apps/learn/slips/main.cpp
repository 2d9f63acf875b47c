// Makes the program that checks an exercise: its check, and its solution once for each slip of slips.txt,
// with one piece of text put in the place of another.
//   learn_slips EXERCISE_FOLDER SOLUTION OUTPUT
//
// slips.txt has a block a slip: its name, what it says to the learner, then what is taken out of the solution
// (lines with "- ") and what is put there ("+ "), each as it stands in the file, without its indentation, and
// perhaps further such pairs, in the order of the file:
//   slip no_maximum
//   says the largest score is not subtracted first
//   - x - amax(x, {-1}, KeepDim::yes)
//   + x
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Swap {
  std::string out, in;
};
struct Block {
  std::string name, says;
  std::vector<Swap> swaps;
};

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read '" + path + "'");
  return text.str();
}

std::vector<Block> read_blocks(const std::string& path) {
  std::istringstream lines(read(path));
  std::vector<Block> blocks;
  const auto add = [](std::string& to, const std::string& line) { to += (to.empty() ? "" : "\n") + line; };
  bool removed = false;  // whether the line before took something out
  for (std::string line; std::getline(lines, line); removed = line.starts_with("- ")) {
    if (line.empty()) continue;
    if (line.starts_with("slip ")) {
      blocks.push_back({line.substr(5), "", {}});
    } else if (!blocks.empty() && line.starts_with("says ")) {
      blocks.back().says = line.substr(5);
    } else if (!blocks.empty() && line.starts_with("- ")) {
      if (removed)
        add(blocks.back().swaps.back().out, line.substr(2));
      else
        blocks.back().swaps.push_back({line.substr(2), ""});
    } else if (!blocks.empty() && line.starts_with("+") && !blocks.back().swaps.empty()) {
      add(blocks.back().swaps.back().in, line.size() > 2 ? line.substr(2) : "");
    } else {
      throw std::runtime_error(path + ": not a line of a slip: " + line);
    }
  }
  return blocks;
}

// Lines without their indentation, so that slips.txt need not repeat it.
std::string flush_left(const std::string& text) {
  std::istringstream lines(text);
  std::string flat;
  for (std::string line; std::getline(lines, line);) {
    const size_t start = line.find_first_not_of(' ');
    flat += (start == std::string::npos ? "" : line.substr(start)) + "\n";
  }
  return flat;
}

std::string with_slip(const std::string& solution, const Block& slip, const std::string& path) {
  if (slip.says.empty() || slip.swaps.empty())
    throw std::runtime_error(path + ": slip " + slip.name + " says or changes nothing");
  std::string text;
  size_t from = 0;  // each piece is looked for after the one before it
  for (const Swap& swap : slip.swaps) {
    const size_t at = solution.find(swap.out, from);
    if (at == std::string::npos || solution.find(swap.out, at + 1) != std::string::npos)
      throw std::runtime_error(path + ": slip " + slip.name +
                               ": the solution must have this once: " + swap.out);
    text += solution.substr(from, at - from) + swap.in;
    from = at + swap.out.size();
  }
  return text + solution.substr(from);
}

void make(const std::string& folder, const std::string& solution_path, const std::string& output) {
  const std::string table = folder + "/slips.txt", solution = flush_left(read(solution_path));
  const std::vector<Block> slips = read_blocks(table);
  if (slips.empty()) throw std::runtime_error(table + " has no slip");
  std::ostringstream text;
  text << "#include \"apps/learn/check/check.h\"\n#include \"" << folder << "/check.cpp\"\n";
  for (const Block& slip : slips)
    text << "namespace slip_" << slip.name << " {\n" << with_slip(solution, slip, table) << "}\n";
  text << "int main(int argc, char** argv) {\n  return heed::learn::run_check(argc, argv,\n"
          "    [](Check& c) { check(c, ANSWER_OF()); }, {\n";
  for (const Block& slip : slips)
    text << "    {\"" << slip.name << "\", R\"says(" << slip.says
         << ")says\", [](Check& c) { check(c, ANSWER_OF(slip_" << slip.name << ")); }},\n";
  text << "  });\n}\n";
  std::ofstream file(output);
  file << text.str();
  if (!file.flush()) throw std::runtime_error("cannot write '" + output + "'");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 4) throw std::runtime_error("it takes EXERCISE_FOLDER SOLUTION OUTPUT");
    make(argv[1], argv[2], argv[3]);
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "learn_slips: " << e.what() << "\n";
    return 1;
  }
}
