// Alignments as Pharaoh lines, and one alignment out of those of two directions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "framework/core/error.h"
#include "framework/core/random.h"
#include "framework/io/file.h"
#include "models/corpus/pharaoh.h"

namespace heed::models {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;
using Links = std::vector<AlignmentLink>;

Links parse(std::string_view line) { return parse_pharaoh_line(line, "test", 1); }
std::string merged(std::string_view forward, std::string_view backward, Symmetrisation method) {
  return pharaoh_line(symmetrise(parse(forward), parse(backward), method));
}

TEST(Pharaoh, LinesAreWrittenAndRead) {
  const Links links = {{0, 0}, {1, 2}, {12, 345}, {1, 0}};
  EXPECT_EQ(pharaoh_line(links), "0-0 1-2 12-345 1-0");
  EXPECT_EQ(parse("0-0 1-2 12-345 1-0"), links);
  EXPECT_EQ(parse("  0-0\t1-2  12-345 1-0 \r"), links);
  EXPECT_THAT(parse(""), IsEmpty());
  EXPECT_THAT(parse("  "), IsEmpty());
  EXPECT_EQ(pharaoh_line({}), "");
}

TEST(Pharaoh, MistakesNameFileLineAndLink) {
  for (const std::string item : {"1:2", "1", "-1-2", "1--2", "1-", "-", "1-2-3", "1-2x", "a-b",
                                 "99999999999-0", "3?4", "1.5-2", "2147483647-0", "0-1000000001"}) {
    EXPECT_THAT([&] { parse_pharaoh_line("0-0 " + item + " 1-1", "test.align", 3); },
                ThrowsMessage<FormatError>("'test.align' line 3: '" + item + "' is not a link such as 3-4"));
  }
  EXPECT_THAT(
      [] {
        pharaoh_line(Links{{2, -1}});
      },
      ThrowsMessage<ValueError>("alignment: link from 2 to -1 is negative"));
}

// Their neighbours would be no numbers.
TEST(Pharaoh, FarLinksAreRefused) {
  EXPECT_EQ(parse("1000000000-1000000000"), (Links{{1000000000, 1000000000}}));
  const Links far = {{0, 2147483647}};
  EXPECT_THAT([&] { symmetrise(far, far); },
              ThrowsMessage<ValueError>("alignment: link from 0 to 2147483647 is beyond 1000000000"));
}

TEST(Pharaoh, FilesHoldALineForEachSentence) {
  const auto path = std::filesystem::path(testing::TempDir()) / ("heed_pharaoh_" + std::to_string(getpid()));
  const std::vector<Links> alignments = {{{0, 0}, {2, 1}}, {}, {{5, 3}}};
  write_pharaoh(path, alignments);
  EXPECT_EQ(read_file(path), "0-0 2-1\n\n5-3\n");
  EXPECT_EQ(read_pharaoh(path), alignments);
  write_file_atomically(path, "0-0\r\n1-1 2\n");
  EXPECT_THAT([&] { read_pharaoh(path); },
              ThrowsMessage<FormatError>("'" + path.string() + "' line 2: '2' is not a link such as 3-4"));
  std::filesystem::remove(path);
  EXPECT_THAT([&] { read_pharaoh(path); }, ThrowsMessage<IoError>(HasSubstr(path.string())));
}

TEST(Pharaoh, ReversedExchangesTheSides) {
  EXPECT_EQ(pharaoh_line(reversed(parse("0-3 2-1 2-1 0-1"))), "1-0 1-2 3-0");
  EXPECT_EQ(reversed(reversed(parse("0-3 1-1"))), parse("0-3 1-1"));
}

// Both have 0-0 and 1-1. 1-2 and 2-1 are next to 1-1, each with a word that has no link. 4-4, 5-4 and 4-0 are
// next to nothing chosen. Of forward, 4-4 then finds both words free. Of backward, 4-0 finds neither free (0
// has 0-0, 4 now has 4-4), 5-4 finds source word 5 free and target word 4 not.
TEST(Symmetrise, ByHand) {
  const std::string forward = "0-0 1-1 2-1 4-4", backward = "0-0 1-1 1-2 4-0 5-4";
  EXPECT_EQ(merged(forward, backward, Symmetrisation::intersection), "0-0 1-1");
  EXPECT_EQ(merged(forward, backward, Symmetrisation::union_of_both), "0-0 1-1 1-2 2-1 4-0 4-4 5-4");
  EXPECT_EQ(merged(forward, backward, Symmetrisation::grow_diag), "0-0 1-1 1-2 2-1");
  EXPECT_EQ(merged(forward, backward, Symmetrisation::grow_diag_final), "0-0 1-1 1-2 2-1 4-4 5-4");
  EXPECT_EQ(merged(forward, backward, Symmetrisation::grow_diag_final_and), "0-0 1-1 1-2 2-1 4-4");
  // Exchanged, 4-0 comes first and finds source word 4 free, then 5-4 both; that leaves nothing to 4-4.
  EXPECT_EQ(merged(backward, forward, Symmetrisation::grow_diag_final), "0-0 1-1 1-2 2-1 4-0 5-4");
  EXPECT_EQ(merged(backward, forward, Symmetrisation::grow_diag_final_and), "0-0 1-1 1-2 2-1 5-4");
}

// From 1-1 over the diagonals to 0-0 and 2-2, and from there to 3-2.
TEST(Symmetrise, GrowsFromLinkToLink) {
  EXPECT_EQ(merged("1-1 2-2 0-0", "1-1 3-2", Symmetrisation::grow_diag), "0-0 1-1 2-2 3-2");
  EXPECT_EQ(merged("2-2 0-0 1-1 5-5", "2-2", Symmetrisation::grow_diag), "0-0 1-1 2-2");
  // 2-1 is next to both links of the intersection, and each of its words has one of them already
  EXPECT_EQ(merged("1-1 2-0", "1-1 2-1 2-0", Symmetrisation::grow_diag), "1-1 2-0");
}

TEST(Symmetrise, NothingAndTheSameTwice) {
  for (const Symmetrisation method :
       {Symmetrisation::intersection, Symmetrisation::union_of_both, Symmetrisation::grow_diag,
        Symmetrisation::grow_diag_final, Symmetrisation::grow_diag_final_and}) {
    EXPECT_EQ(merged("", "", method), "");
    EXPECT_EQ(merged("1-0 0-0 1-0", "0-0 1-0", method), "0-0 1-0");
  }
  EXPECT_EQ(merged("0-0", "", Symmetrisation::grow_diag), "");
  EXPECT_EQ(merged("0-0", "", Symmetrisation::grow_diag_final_and), "0-0");
}

TEST(Symmetrise, IntersectionGrowDiagFinalAndFinalUnionNest) {
  Generator generator(7);
  for (int round = 0; round < 300; ++round) {
    const auto draw = [&] {
      Links links;
      for (uint64_t i = generator.next_below(15); i > 0; --i) {
        links.push_back(
            {static_cast<int>(generator.next_below(8)), static_cast<int>(generator.next_below(8))});
      }
      return links;
    };
    const Links forward = draw(), backward = draw();
    const auto intersection = symmetrise(forward, backward, Symmetrisation::intersection),
               all = symmetrise(forward, backward, Symmetrisation::union_of_both),
               grown = symmetrise(forward, backward, Symmetrisation::grow_diag),
               final_and = symmetrise(forward, backward),
               final_or = symmetrise(forward, backward, Symmetrisation::grow_diag_final);
    EXPECT_TRUE(std::ranges::includes(grown, intersection));
    EXPECT_TRUE(std::ranges::includes(final_and, grown));
    EXPECT_TRUE(std::ranges::includes(all, final_and));
    EXPECT_TRUE(std::ranges::includes(final_or, grown));
    EXPECT_TRUE(std::ranges::includes(all, final_or));
    EXPECT_EQ(grown, symmetrise(backward, forward, Symmetrisation::grow_diag));
    EXPECT_EQ(symmetrise(reversed(forward), reversed(backward), Symmetrisation::union_of_both),
              reversed(all));
    // after `final` no link of the union is left whose source or target word has none
    std::set<int> sources, targets;
    for (const AlignmentLink& link : final_or) {
      sources.insert(link.source);
      targets.insert(link.target);
    }
    for (const AlignmentLink& link : all)
      EXPECT_TRUE(sources.contains(link.source) && targets.contains(link.target));
  }
}

TEST(Symmetrise, MistakesAreNamed) {
  EXPECT_THAT(
      [] {
        symmetrise(Links{{-1, 0}}, {});
      },
      ThrowsMessage<ValueError>("alignment: link from -1 to 0 is negative"));
}

}  // namespace
}  // namespace heed::models
