// The seeds of all targets: written for the fuzzer, or tried at once with small changes, without one.
//   fuzz_seeds write FOLDER     FOLDER/TARGET/0, 1, ... and FOLDER/TARGET.dict
//   fuzz_seeds try MUTANTS [TARGET]...
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "framework/core/parallel.h"
#include "tests/fuzz/fuzz.h"
#include "tests/testing/mutant.h"

namespace heed::fuzz {
namespace {

constexpr auto kLongest = std::chrono::seconds(10);  // for one file

// A word of a dictionary as libFuzzer reads it.
std::string dictionary_line(std::string_view word) {
  std::string text = "\"";
  for (const char c : word) text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return text + "\"\n";
}

void write(const std::filesystem::path& folder) {
  for (const Target& target : targets()) {
    make_folder(folder / target.name);
    const std::vector<std::string> seeds = target.seeds();
    for (size_t i = 0; i < seeds.size(); ++i) put(folder / target.name / std::to_string(i), seeds[i]);
    std::string words;
    for (const std::string& word : target.words) words += dictionary_line(word);
    put(folder / (target.name + ".dict"), words);
  }
}

// Whether a target bears its seeds and mutants of them.
bool bears(const Target& target, int mutants) {
  const std::vector<std::string> seeds = target.seeds();
  bool good = !seeds.empty();
  int refused = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto wrong = [&](const std::string& what) {
    fmt::print("{}: {}\n", target.name, what);
    good = false;
  };
  const auto reads_in_time = [&](const std::string& bytes, const std::string& which) {
    const auto begin = std::chrono::steady_clock::now();
    bool read = false;
    try {
      read = reads(target, bytes);
    } catch (const std::exception& error) {
      wrong(fmt::format("{} threw what is not heed's: {}", which, error.what()));
    }
    if (std::chrono::steady_clock::now() - begin > kLongest) wrong(which + " takes too long");
    return read;
  };
  for (size_t i = 0; i < seeds.size(); ++i) {
    if (!reads_in_time(seeds[i], fmt::format("seed {}", i))) wrong(fmt::format("seed {} is refused", i));
  }
  for (int i = 0; i < mutants; ++i) {
    std::mt19937 random(static_cast<unsigned>(i));
    const size_t seed = static_cast<size_t>(i) % seeds.size();
    if (!reads_in_time(mutant_of(seeds[seed], random), fmt::format("mutant {} of seed {}", i, seed)))
      ++refused;
  }
  fmt::print("{}: {} seeds, {} mutants, {} refused, {:.1f} s\n", target.name, seeds.size(), mutants, refused,
             std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return good;
}

}  // namespace
}  // namespace heed::fuzz

int main(int argc, char** argv) {
  using namespace heed::fuzz;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  heed::set_num_threads(1);
  std::ranges::sort(targets(), {}, &Target::name);
  if (arguments.size() == 2 && arguments[0] == "write") {
    write(arguments[1]);
    return 0;
  }
  if (arguments.size() < 2 || arguments[0] != "try") {
    fmt::print(stderr, "usage: fuzz_seeds write FOLDER | fuzz_seeds try MUTANTS [TARGET]...\n");
    return 2;
  }
  bool good = true;
  for (const Target& target : targets()) {
    if (arguments.size() > 2 &&
        std::find(arguments.begin() + 2, arguments.end(), target.name) == arguments.end())
      continue;
    fmt::print("{} ...\n", target.name);  // a signal ends the program here
    std::fflush(stdout);
    good = bears(target, std::atoi(arguments[1].c_str())) && good;
  }
  return good ? 0 : 1;
}
