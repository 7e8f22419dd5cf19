#include "runtime/pulse.hpp"

#include <gtest/gtest.h>

namespace sluice::runtime {
namespace {

using Look = Pulse::Look;

class PulseTest : public testing::Test {
protected:
    void beat(unsigned times) {
        for (unsigned i = 0; i < times; ++i) Pulse::of(loop.get_executor()).beat();
        poll();
    }
    void poll() {
        loop.restart();
        loop.poll();
    }
    std::shared_ptr<const Look> joined(Look look) {
        auto made = std::make_shared<const Look>(std::move(look));
        Pulse::join(loop.get_executor(), made);
        poll();
        return made;
    }

    boost::asio::io_context loop{1};
};

}  // namespace

TEST_F(PulseTest, LooksAfterSoManyBeatsAndNotInTheMiddleOfThem) {
    int looks = 0;
    const auto look = joined([&] { ++looks; });
    beat(Pulse::beats_per_look - 1);
    EXPECT_EQ(looks, 0);
    Pulse::of(loop.get_executor()).beat();
    EXPECT_EQ(looks, 0);
    poll();
    EXPECT_EQ(looks, 1);
    beat(10 * Pulse::beats_per_look);
    EXPECT_EQ(looks, 2) << "once for all of one turn";
}

TEST_F(PulseTest, LooksNoMoreForThoseThatAreGone) {
    int first = 0;
    int second = 0;
    auto one = joined([&] { ++first; });
    const auto other = joined([&] {
        ++second;
        one.reset();
    });
    beat(Pulse::beats_per_look);
    beat(Pulse::beats_per_look);
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 2);
}

TEST_F(PulseTest, ALookMayBringAnother) {
    int looks = 0;
    const auto brought = std::make_shared<const Look>([&] { ++looks; });
    const auto look = joined([&] {
        if (looks == 0) Pulse::join(loop.get_executor(), brought);
    });
    beat(Pulse::beats_per_look);
    beat(Pulse::beats_per_look);
    EXPECT_GE(looks, 1);
}

TEST_F(PulseTest, EachLoopHasItsOwn) {
    boost::asio::io_context other{1};
    EXPECT_EQ(&Pulse::of(loop.get_executor()), &Pulse::of(loop.get_executor()));
    EXPECT_NE(&Pulse::of(loop.get_executor()), &Pulse::of(other.get_executor()));
}

}  // namespace sluice::runtime
