// Every file that heed reads, changed at random: it is read, or refused by one of heed's own errors. Nothing
// else is thrown, no signal ends the program, nothing runs or grows without end.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>

#include "framework/io/file.h"
#include "models/architectures/recurrent/options.h"
#include "models/architectures/transformer/options.h"
#include "models/corpus/corpus_folder.h"
#include "models/corpus/documents.h"
#include "models/corpus/pharaoh.h"
#include "models/corpus/raw_pairs.h"
#include "models/run/data.h"
#include "models/run/translation.h"
#include "models/run/translator.h"
#include "models/training/session.h"
#include "tests/testing/packed.h"
#include "tests/testing/temp_dir.h"

namespace heed::models {
namespace {

// Of each file; HEED_MUTANTS asks for more.
int mutants() {
  const char* const asked = std::getenv("HEED_MUTANTS");
  return asked ? std::atoi(asked) : 40;
}

// One small change, or a few, of bytes or of what stands in texts of this kind.
std::string mutant_of(const std::string& original, std::mt19937& random) {
  static const std::vector<std::string> kWords = {"9223372036854775807",
                                                  "-1",
                                                  "1e999",
                                                  "null",
                                                  "[]",
                                                  "{}",
                                                  "\"\"",
                                                  "0",
                                                  "nan",
                                                  "\n",
                                                  "\r\n",
                                                  "\t",
                                                  "[[[[[[[[",
                                                  std::string(1, '\0'),
                                                  "\xff",
                                                  "\xe2\x96\x81",
                                                  "'",
                                                  "true",
                                                  "</s>",
                                                  "a.b.c.d.e",
                                                  "9999999"};
  const auto below = [&](size_t n) { return static_cast<size_t>(random()) % std::max<size_t>(n, 1); };
  std::string text = original;
  for (size_t changes = 1 + below(3); changes > 0 && !text.empty(); --changes) {
    // Headers and the first lines say what follows: half of the changes go there.
    const size_t at = below(below(2) == 0 ? std::min<size_t>(text.size(), 400) : text.size()),
                 length = std::min(text.size() - at, 1 + below(40));
    switch (below(7)) {
      case 0:
        text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 1:
        text[at] = static_cast<char>(random());
        break;
      case 2:
        text.resize(at);
        break;
      case 3:
        text.erase(at, length);
        break;
      case 4:
        text.insert(at, text.substr(at, length));
        break;
      case 5:
        text.insert(at, kWords[below(kWords.size())]);
        break;
      default:
        text.replace(at, std::min(length, 1 + below(6)), kWords[below(kWords.size())]);
    }
  }
  return text;
}

// Calls `read` with mutants and says which of them it did not bear.
void expect_refusals(const std::string& what, const std::string& original,
                     const std::function<void(const std::string&)>& read) {
  int refused = 0;
  for (int seed = 0; seed < mutants(); ++seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    const std::string mutant = mutant_of(original, random);
    const auto start = std::chrono::steady_clock::now();
    try {
      read(mutant);
    } catch (const Error&) {
      ++refused;
    } catch (const std::exception& error) {
      ADD_FAILURE() << what << " seed " << seed << " threw what is not heed's: " << error.what();
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20)) << what << " seed " << seed;
  }
  EXPECT_GT(refused, 0) << what;
}

class MutatedFiles : public testing::TestWithParam<const char*> {
 protected:
  static TokenisedCorpus corpus() {
    TokenisedCorpus lines;
    for (int i = 0; i < 24; ++i) {
      lines.source.push_back({"word" + std::to_string(i % 5), "and", "word" + std::to_string(i % 7)});
      lines.target.push_back({"Wort" + std::to_string(i % 5), "und", "Wort" + std::to_string(i % 7)});
    }
    return lines;
  }
  static RunConfig config(bool transformer) {
    RunConfig config;
    config.model = RecurrentOptions{
        .embedding = 8, .encoder_hidden = 8, .decoder_hidden = 8, .readout = 8, .attention_size = 8};
    if (transformer)
      config.model = TransformerOptions{.decoder_layers = 1, .model_size = 8, .feed_forward = 8, .heads = 2};
    config.train.subwords = transformer ? SubwordKind::bpe : SubwordKind::none;
    config.source_text.tokenizer = config.target_text.tokenizer = Tokenizer::words;
    config.train.subword_vocabulary = 30;
    config.train.batch_size = 8;
    config.train.updates = 4;
    config.train.validate_every = 2;
    config.train.log_every = 1;
    config.train.average = 3;
    return config;
  }
};

TEST_P(MutatedFiles, OfARunAreReadOrRefused) {
  const bool transformer = GetParam() == std::string("transformer");
  const TempDir folder;
  const TokenisedCorpus pairs = corpus();
  const RunConfig made = config(transformer);
  double now = 0;
  const TrainCallbacks callbacks{.clock = [&] { return now += 0.01; }};
  const auto data = std::make_shared<const TrainingData>(pairs, pairs);
  const ParallelLines lines{{"a"}, {"b"}};
  TrainingSession::start(folder.path(), made, data,
                         {.data = run_data({"a.en", "a.de", "b.en", "b.de", "a licence", "whom to name"},
                                           marks_of(lines, lines))})
      .run(callbacks);
  std::vector<std::string> files;
  for (const std::filesystem::path& path : list_folder(folder.path()))
    files.push_back(path.filename().string());
  std::map<std::string, std::string> whole;
  for (const std::string& file : files) whole[file] = read_file(folder.path() / file);
  for (const std::string& file : files) {
    const auto restore = [&] {
      for (const auto& [name, content] : whole) write_file_atomically(folder.path() / name, content);
    };
    const auto translate = [&](const std::string& mutant) {
      write_file_atomically(folder.path() / file, mutant);
      const Translator translator(load_run(folder.path()));
      translator.translate(std::vector<std::string>{"word1 and word2"}, {});
    };
    const auto resume = [&](const std::string& mutant) {
      restore();
      write_file_atomically(folder.path() / file, mutant);
      RunConfig longer = parse_run_config(read_file(folder.path() / "config.toml"), "config.toml");
      longer.train.updates = 6;
      TrainingSession::resume(folder.path(), longer, data).run(callbacks);
    };
    const auto read_data = [&](const std::string& mutant) {
      write_file_atomically(folder.path() / file, mutant);
      files_of_run(folder.path());
      check_run_data(folder.path(), {}, marks_of(lines, lines));
    };
    if (file == "data.json") {
      expect_refusals(file, whole[file], read_data);
      restore();
      continue;
    }
    const bool read_to_translate = file != "state.safetensors" && file != "metrics.jsonl" &&
                                   !file.starts_with("checkpoint") && file != "single.safetensors";
    if (read_to_translate) expect_refusals(file + ", load_run", whole[file], translate);
    if (file == "metrics.jsonl") {  // a report: what is odd in it stops nothing
      for (int seed = 0; seed < mutants(); ++seed) {
        std::mt19937 random(static_cast<unsigned>(seed));
        EXPECT_NO_THROW(resume(mutant_of(whole[file], random))) << seed;
      }
    } else {
      expect_refusals(file + ", resume", whole[file], resume);
    }
    restore();
  }
}
INSTANTIATE_TEST_SUITE_P(Kinds, MutatedFiles, testing::Values("recurrent", "transformer"),
                         [](const auto& kind) { return kind.param; });

TEST(MutatedCorpus, DescriptionIsReadOrRefused) {
  CorpusInfo info;
  info.writer = "translator prepare";
  info.source_language = "en";
  info.target_language = "fr";
  info.inputs = {{"a.tsv", 12}, {"b.zip", 3}};
  info.settings = {{"max_words", "150"}};
  info.dropped = {{"empty", 3}, {"markup", 1}};
  info.train = 11;
  info.documents = {{"train", 3}};
  info.tests = {{"more", 2}};
  info.inputs.push_back({"c.sgm", 2});
  for (const auto& [name, lines] :
       {std::pair("train.en", 11), {"train.fr", 11}, {"train.documents", 3}, {"more.en", 2}, {"more.fr", 2}})
    info.files.push_back({name, static_cast<uint64_t>(lines), "0123456789abcdef"});
  expect_refusals("corpus.json", corpus_json(info), [](const std::string& mutant) {
    for (const CorpusFile& file : parse_corpus_json(mutant, "corpus.json").files) {
      if (file.name.find('/') != file.name.npos) throw std::logic_error("a path: " + file.name);
    }
  });
}

TEST(MutatedCorpus, PackedFilesAreReadOrRefused) {
  const TempDir folder;
  std::string english, french;
  for (int i = 0; i < 300; ++i) {
    english += fmt::format("sentence {} is here\n", i * 7919 % 1000);
    french += fmt::format("la phrase {} est ici\n", i * 104729 % 1000);
  }
  for (const char* kind :
       {"zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst", "gz", "bz2", "xz", "zst"}) {
    const bool stream = std::string(kind).find("tar") == std::string::npos && std::string(kind) != "zip";
    const std::string whole =
        stream ? packed_as(kind, {{"", english}}) : packed_as(kind, {{"x.en", english}, {"x.fr", french}});
    expect_refusals(kind, whole, [&](const std::string& mutant) {
      write_file_atomically(folder / "mutant", mutant);
      const PairInput input{folder / "mutant", stream ? folder / "mutant" : std::filesystem::path()};
      const auto reader = open_pairs(input, {}, "en", "fr");
      RawPair pair;
      size_t bytes = 0;
      while (reader->next(pair) != PairReader::Found::end) bytes += pair.source.size() + pair.target.size();
      if (bytes > (size_t{1} << 30)) throw std::logic_error("more than there is");
    });
  }
}

// Test sets in SGM, talks, OPUS's ids and the documents of a corpus.
TEST(MutatedCorpus, SidesAndDocumentsAreReadOrRefused) {
  const TempDir folder;
  std::string sgm = "<srcset setid=\"x\" srclang=\"any\">\n", talks, ids, documents;
  for (int i = 0; i < 12; ++i) {
    sgm +=
        fmt::format("<doc docid=\"d{0}\">\n<p>\n<seg id=\"{0}\">a &amp; b &#x41; {0}</seg>\n</p></doc>\n", i);
    talks += fmt::format("<url>http://x/{0}</url>\n<title>On {0}</title>\ntext {0}\n", i);
    ids += fmt::format("en/2001/{0}/1.xml.gz\tfr/2001/{0}/2.xml.gz\t{0}\t{0} {0}\n", i / 3);
    documents += fmt::format("{}\tdocument {}\n", i + 1, i);
  }
  const auto read_pairs = [&](const std::string& name, const std::string& ids_text) {
    PairInput input;
    input.source = folder / name;
    input.target = folder / ("right." + name);
    if (!ids_text.empty()) {
      write_file_atomically(folder / "ids", ids_text);
      input.ids = folder / "ids";
    }
    const auto reader = open_pairs(input, {}, "en", "fr");
    RawPair pair;
    size_t pairs = 0;
    while (reader->next(pair) != PairReader::Found::end) pairs += group_of(pair.document).size() < 1 << 20;
    if (pairs > 1000) throw std::logic_error("more than there is");
  };
  for (const auto& [name, whole] : {std::pair("a.sgm", &sgm), std::pair("train.tags.en-fr.en", &talks)}) {
    write_file_atomically(folder / (std::string("right.") + name), *whole);
    if (whole == &talks) write_file_atomically(folder / "right.train.tags.en-fr.en", "a\n");
    expect_refusals(name, *whole, [&](const std::string& mutant) {
      write_file_atomically(folder / name, mutant);
      read_pairs(name, "");
    });
  }
  for (const char* name : {"a.en", "right.a.en"})
    write_file_atomically(folder / name, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n");
  expect_refusals("ids", ids, [&](const std::string& mutant) { read_pairs("a.en", mutant); });
  expect_refusals("documents", documents, [&](const std::string& mutant) {
    write_file_atomically(folder / "documents", mutant);
    parse_documents(open_lines(folder / "documents"), 78);
  });
}

TEST(MutatedLines, AreReadOrRefused) {
  Translation record;
  record.model = "a model";
  record.source = {"a dog", {{"a", {}}, {"dog", {}}, {"</s>", {}, true}}};
  record.target = {"ein Hund", {{"ein", {}}, {"Hund", {}}, {"</s>", {}, true}}};
  record.attention.push_back({0, 0, {{0.5F, 0.25F, 0.25F}, {0.125F, 0.5F, 0.375F}, {0, 0, 1}}});
  expect_refusals("an attention record", to_json_line(record),
                  [](const std::string& mutant) { parse_translation(mutant, "records", 1); });
  expect_refusals("links", "0-0 1-2 3-4 10-11",
                  [](const std::string& mutant) { parse_pharaoh_line(mutant, "links", 1); });
  expect_refusals("gold links", "0-0 1?2 3-4 10-11",
                  [](const std::string& mutant) { parse_gold_line(mutant, "gold", 1); });
}

}  // namespace
}  // namespace heed::models
