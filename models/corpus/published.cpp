#include "models/corpus/published.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "framework/core/error.h"
#include "models/corpus/archive.h"
#include "models/corpus/clean.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

// WMT's archives have the files of several language pairs. Checked with a sum, the training files have no
// number of lines here. The hub's copies are the same files in zip.
PublishedCorpus wmt14() {
  const std::string hub = "https://huggingface.co/datasets/wmt/";
  PublishedCorpus c;
  c.name = "wmt14-en-de";
  c.what = "Europarl v7, Common Crawl, News Commentary v9; newstest2013; newstest2014 in both its forms";
  c.licence =
      "No licence is stated for these files as a whole: the organisers of WMT give them for research.";
  c.attribution = "WMT 2014 (statmt.org/wmt14): Europarl v7, Common Crawl, News Commentary v9, newstests";
  c.languages = {"en", "de"};
  c.files = {
      {"training-parallel-europarl-v7.tgz",
       {{"https://www.statmt.org/wmt13/training-parallel-europarl-v7.tgz", 657'632'379,
         "sha256:0224c7c710c8a063dfd893b0cc0830202d61f4c75c17eb8e31836103d27d96e7"},
        {hub + "wmt13/resolve/main-zip/training-parallel-europarl-v7.zip", 658'092'427, ""}}},
      {"training-parallel-commoncrawl.tgz",
       {{"https://www.statmt.org/wmt13/training-parallel-commoncrawl.tgz", 918'311'367,
         "sha256:c7a74e2ea01ac6c920123108627e35278d4ccb5701e15428ffa34de86fa3a9e5"},
        {hub + "wmt13/resolve/main-zip/training-parallel-commoncrawl.zip", 918'734'483, ""}}},
      {"training-parallel-nc-v9.tgz",
       {{"https://www.statmt.org/wmt14/training-parallel-nc-v9.tgz", 80'418'416,
         "sha256:cb8953f292298e6877ae433c98912b927cb0766b303f4540512ddd286c748485"},
        {hub + "wmt14/resolve/main-zip/training-parallel-nc-v9.zip", 80'462'375, ""}}},
      {"dev.tgz",
       {{"https://data.statmt.org/wmt19/translation-task/dev.tgz", 38'654'961,
         "sha256:7a7deccf82ebb05ba508dba5eb21356492224e8f630ec4f992132b029b4b25e7"},
        {hub + "wmt19/resolve/main-zip/dev.zip", 38'714'274, ""}}},
      {"test-full.tgz",
       {{"https://www.statmt.org/wmt14/test-full.tgz", 0, "md5:a8cd784e006feb32ac6f3d9ec7eb389a"}}},
      {"test-filtered.tgz",
       {{"https://www.statmt.org/wmt14/test-filtered.tgz", 0, "md5:84c597844c1542e29c2aff23aaee4310"}}}};
  c.parts = {
      {"train", "training-parallel-europarl-v7.tgz", "", "europarl-v7.de-en.{s}", "europarl-v7.de-en.{t}"},
      {"train", "training-parallel-commoncrawl.tgz", "", "commoncrawl.de-en.{s}", "commoncrawl.de-en.{t}"},
      {"train", "training-parallel-nc-v9.tgz", "", "news-commentary-v9.de-en.{s}",
       "news-commentary-v9.de-en.{t}"},
      {"valid", "dev.tgz", "", "newstest2013.{s}", "newstest2013.{t}", "", 3000},
      {"test", "test-full.tgz", "", "newstest2014-deen-src.{s}.sgm", "newstest2014-deen-ref.{t}.sgm", "",
       3003},
      {"newstest2014_2737", "test-filtered.tgz", "", "newstest2014-deen-src.{s}.sgm",
       "newstest2014-deen-ref.{t}.sgm", "", 2737}};
  c.split = SplitBy::sentences;
  return c;
}

// A file a language and part.
PublishedCorpus multi30k() {
  PublishedCorpus c;
  c.name = "multi30k";
  c.what = "captions of pictures, raw text: train, validation, test_2016_flickr and the later tests";
  c.licence = "No licence is stated: the captions are for research and education, by the terms of Flickr.";
  c.attribution = "Multi30K (Elliott, Frank, Sima'an and Specia 2016), github.com/multi30k/dataset";
  c.languages = {"en", "de", "fr", "cs"};
  const std::vector<std::string> no_czech = {"en", "de", "fr"};
  const auto add = [&](const char* part, const std::string& file, uint64_t pairs,
                       const std::vector<std::string>& only) {
    c.parts.push_back({part, file + ".{s}.gz", file + ".{t}.gz", "", "", "", pairs, only});
    for (const std::string& language : only.empty() ? c.languages : only) {
      const std::string name = fmt::format("{}.{}.gz", file, language);
      c.files.push_back(
          {name, {{"https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/" + name}}});
    }
  };
  add("train", "train", 29000, {});
  add("valid", "val", 1014, {});
  add("test", "test_2016_flickr", 1000, {});
  add("test_2017_flickr", "test_2017_flickr", 1000, no_czech);
  add("test_2017_mscoco", "test_2017_mscoco", 461, no_czech);
  add("test_2018_flickr", "test_2018_flickr", 1071, {});
  const auto know = [&](const char* name, uint64_t bytes, const char* sum) {
    FileAddress& address = std::ranges::find(c.files, name, &PublishedFile::name)->addresses[0];
    address.bytes = bytes;
    address.sum = std::string("sha256:") + sum;
  };
  know("train.en.gz", 568'929, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f");
  know("train.de.gz", 637'044, "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6");
  know("train.fr.gz", 0, "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c");
  know("train.cs.gz", 0, "a65adb8b32e3bc664f21ecba7a6e7f6950fd1f405e135f7c312faabdb6255077");
  know("val.en.gz", 0, "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28");
  know("val.de.gz", 0, "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a");
  know("test_2016_flickr.en.gz", 0, "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9");
  know("test_2016_flickr.de.gz", 0, "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8");
  c.as_published = true;
  c.split = SplitBy::sentences;
  return c;
}

// OPUS in Moses' form: an archive a pair of languages, with the ids of its documents.
PublishedCorpus opus(const std::string& corpus, const std::string& version) {
  PublishedCorpus c;
  c.files = {
      {"{a}-{b}.txt.zip",
       {{fmt::format("https://object.pouta.csc.fi/OPUS-{}/{}/moses/{{a}}-{{b}}.txt.zip", corpus, version)}}}};
  const std::string stem = corpus + ".{a}-{b}.";
  c.parts = {{"train", "{a}-{b}.txt.zip", "", stem + "{s}", stem + "{t}", stem + "ids"}};
  return c;
}

PublishedCorpus opensubtitles() {
  PublishedCorpus c = opus("OpenSubtitles", "v2018");
  c.name = "opensubtitles";
  c.what = "subtitles of films (OPUS, v2018), split by film";
  c.licence =
      "No formal licence: OPUS asks for credit and a link to opensubtitles.org wherever the data is used.";
  c.attribution = "OpenSubtitles v2018 of OPUS (Lison and Tiedemann 2016), opensubtitles.org";
  c.known = {{"de-en", 710'557'991, "sha256:b1bdd09f3667a85ba9fd0688c8a943c710317e11e5f0f722b7f0f3f0bc38300c",
              22'512'639},
             {"en-fr", 1'296'192'799, "", 0},
             {"en-es", 1'888'798'249, "", 0},
             {"en-hi", 2'967'295, "", 93'016},
             {"bs-eo", 333'050, "", 10'989},
             {"fr-hy", 41'861, "", 668}};
  return c;
}

PublishedCorpus tatoeba() {
  PublishedCorpus c = opus("Tatoeba", "v2021-07-22");
  c.name = "tatoeba";
  c.what = "everyday sentences (OPUS, v2021-07-22), split by source sentence";
  c.licence = "CC BY 2.0 FR: Tatoeba's contributors are to be named.";
  c.attribution = "sentences from tatoeba.org, by OPUS (Tiedemann 2012)";
  return c;
}

// TED talks; validation is each 23rd pair and the test five sets in a row, as fairseq's script has it.
PublishedCorpus iwslt14() {
  PublishedCorpus c;
  c.name = "iwslt14-de-en";
  c.what = "TED talks of IWSLT 2014; validation is each 23rd pair, test dev2010, dev2012, tst2010 to tst2012";
  c.licence = "CC BY-NC-ND (TED): not for commercial use, and changed versions are not to be passed on.";
  c.attribution = "IWSLT 2014, WIT3 (Cettolo, Girardi and Federico 2012); talks of TED";
  c.languages = {"de", "en"};
  c.files = {{"de-en.tgz", {{"https://dl.fbaipublicfiles.com/fairseq/data/iwslt14/de-en.tgz"}}}};
  c.parts = {{"train", "de-en.tgz", "", "train.tags.de-en.{s}", "train.tags.de-en.{t}"}};
  for (const auto& [set, pairs] : {std::pair("TED.dev2010", 887),
                                   {"TEDX.dev2012", 1165},
                                   {"TED.tst2010", 1565},
                                   {"TED.tst2011", 1433},
                                   {"TED.tst2012", 1700}}) {
    c.parts.push_back({"test", "de-en.tgz", "", fmt::format("IWSLT14.{}.de-en.{{s}}.xml", set),
                       fmt::format("IWSLT14.{}.de-en.{{t}}.xml", set), "", static_cast<uint64_t>(pairs)});
  }
  c.as_published = true;
  c.valid_every = 23;
  c.split = SplitBy::sentences;
  return c;
}

}  // namespace

const std::vector<PublishedCorpus>& published_corpora() {
  static const std::vector<PublishedCorpus> rows = {wmt14(), multi30k(), opensubtitles(), tatoeba(),
                                                    iwslt14()};
  return rows;
}

const PublishedCorpus& published_corpus(std::string_view name) {
  const auto found = std::ranges::find(published_corpora(), name, &PublishedCorpus::name);
  if (found != published_corpora().end()) return *found;
  std::vector<std::string> names;
  for (const PublishedCorpus& corpus : published_corpora()) names.push_back(corpus.name);
  throw ValueError("data", fmt::format("'{}' is no corpus that is known ({})", name, fmt::join(names, ", ")));
}

PublishedCorpus in_languages(const PublishedCorpus& row, const std::string& source,
                             const std::string& target) {
  for (const std::string& language : {source, target}) {
    if (!row.languages.empty() && std::ranges::find(row.languages, language) == row.languages.end())
      throw ValueError("data", fmt::format("{} is in {}, and '{}' is asked for", row.name,
                                           fmt::join(row.languages, ", "), language));
  }
  if (source == target) throw ValueError("data", fmt::format("source and target are both '{}'", source));
  const auto fill = [&](std::string& text) {
    for (const auto& [key, code] :
         {std::pair("{s}", &source), std::pair("{t}", &target), std::pair("{a}", &std::min(source, target)),
          std::pair("{b}", &std::max(source, target))}) {
      for (size_t at = 0; (at = text.find(key, at)) != text.npos; at += code->size())
        text.replace(at, 3, *code);
    }
  };
  PublishedCorpus corpus = row;
  const auto has = [&](const PublishedPart& part, const std::string& language) {
    return part.only.empty() || std::ranges::find(part.only, language) != part.only.end();
  };
  std::erase_if(corpus.parts,
                [&](const PublishedPart& part) { return !has(part, source) || !has(part, target); });
  for (PublishedPart& part : corpus.parts) {
    for (std::string* text : {&part.file, &part.target_file, &part.source, &part.target, &part.ids})
      fill(*text);
  }
  for (PublishedFile& file : corpus.files) {
    fill(file.name);
    for (FileAddress& address : file.addresses) fill(address.url);
  }
  std::erase_if(corpus.files, [&](const PublishedFile& file) {
    return std::ranges::none_of(corpus.parts, [&](const PublishedPart& part) {
      return part.file == file.name || part.target_file == file.name;
    });
  });
  std::string pair = "{a}-{b}";
  fill(pair);
  std::erase_if(corpus.known, [&](const KnownPair& known) { return known.pair != pair; });
  for (const KnownPair& known : corpus.known) {
    corpus.files[0].addresses[0].bytes = known.bytes;
    corpus.files[0].addresses[0].sum = known.sum;
    corpus.parts[0].pairs = known.pairs;
  }
  return corpus;
}

PrepareOptions prepare_options(const PublishedCorpus& corpus, const std::string& source,
                               const std::string& target,
                               const std::vector<std::pair<std::string, std::filesystem::path>>& places) {
  PrepareOptions options;
  options.source_language = source;
  options.target_language = target;
  options.licence = corpus.licence;
  options.attribution = corpus.attribution;
  options.split_by = corpus.split;
  options.valid_every = corpus.valid_every;
  if (corpus.as_published) {
    CleanOptions& c = options.clean;
    c.too_long = c.ratio = c.copied = c.script = c.markup = c.duplicate = false;
    options.apart = options.split.targets_apart = false;
  }
  const auto place = [&](const std::string& name) {
    const auto found = std::ranges::find(places, name, &std::pair<std::string, std::filesystem::path>::first);
    return found == places.end() ? std::filesystem::path() : found->second;
  };
  for (const PublishedPart& part : corpus.parts) {
    PairInput input;
    input.source = place(part.file);
    if (!part.target_file.empty()) input.target = place(part.target_file);
    input.source_member = part.source;
    input.target_member = part.target;
    input.ids_member = part.ids;
    input.pairs = part.pairs;
    if (part.part == "train") {
      options.inputs.push_back(std::move(input));
      continue;
    }
    auto given = std::ranges::find(options.given, part.part, &GivenPart::name);
    if (given == options.given.end()) {
      options.given.push_back({part.part, {}});
      given = options.given.end() - 1;
    }
    given->inputs.push_back(std::move(input));
  }
  return options;
}

void require_no_page(const std::filesystem::path& path, const std::string& name) {
  Unpacker file(path);
  if (!file.next() || file.is_archive()) return;
  std::string begin;
  for (std::string_view piece = file.read(); !piece.empty() && begin.size() < 512; piece = file.read())
    begin += piece.substr(0, 512);
  std::string_view text = trimmed(begin);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::string start = to_lower(trimmed(text).substr(0, 100));
  if (start.starts_with("<!doctype html") || start.starts_with("<html"))
    throw FormatError(fmt::format("{} is a page (HTML), not the file", name));
}

}  // namespace heed::models
