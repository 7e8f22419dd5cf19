#include "upstream/address_book.hpp"
#include "upstream/name_lookup.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <mutex>

namespace sluice::upstream {
namespace {

using namespace std::chrono_literals;
using Address = AddressBook::Address;

Address at(const char* text) { return {boost::asio::ip::make_address(text), 80}; }

}  // namespace

TEST(AddressBook, BeginsWithAnotherAddressEachTime) {
    AddressBook book;
    EXPECT_TRUE(book.empty());
    EXPECT_TRUE(book.to_try().empty());
    book.replace({at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.3")});
    EXPECT_FALSE(book.empty());
    std::vector<Address> firsts;
    for (int i = 0; i < 3; ++i) firsts.push_back(book.to_try().front());
    std::sort(firsts.begin(), firsts.end());
    EXPECT_EQ(firsts, (std::vector<Address>{at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.3")}));
}

TEST(AddressBook, WhatFailedComesLastUntilItWorksOrAllHaveFailed) {
    AddressBook book;
    book.replace({at("10.0.0.1"), at("10.0.0.2")});
    book.failed(at("10.0.0.1"));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(book.to_try().back(), at("10.0.0.1"));
    book.worked(at("10.0.0.1"));
    book.failed(at("10.0.0.2"));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(book.to_try().back(), at("10.0.0.2"));
    book.failed(at("10.0.0.1"));
    const auto first = book.to_try().front();
    EXPECT_NE(book.to_try().front(), first) << "all have failed, so it says nothing";
}

TEST(AddressBook, TheLastGoodOnesStay) {
    AddressBook book;
    book.replace({at("10.0.0.1")});
    auto seen = book.generation();
    book.replace({});
    EXPECT_EQ(book.generation(), seen);
    book.replace({at("10.0.0.1")});
    EXPECT_EQ(book.generation(), seen) << "nothing has changed";
    book.replace({at("10.0.0.1"), at("10.0.0.2")});
    EXPECT_TRUE(book.has(at("10.0.0.1"), seen));
    EXPECT_EQ(seen, book.generation());
    book.replace({at("10.0.0.3")});
    EXPECT_FALSE(book.has(at("10.0.0.1"), seen)) << "a connection to it is not used again";
}

TEST(NameLookup, AnAddressIsToldAtOnceAndANameSoon) {
    std::mutex mutex;
    std::vector<AddressBook::Addresses> found(2);
    NameLookup lookup{{{"10.0.0.1", "80"}, {"localhost", "8080"}},
                      1h,
                      {[&](std::size_t i, AddressBook::Addresses addresses) {
                           const std::lock_guard lock{mutex};
                           found[i] = std::move(addresses);
                       },
                       [](std::size_t, const std::string& problem) { ADD_FAILURE() << problem; }}};
    lookup.start();
    {
        const std::lock_guard lock{mutex};
        EXPECT_EQ(found[0], (AddressBook::Addresses{at("10.0.0.1")}));
    }
    lookup.wait_for_first(Deadline::after(Clock::now(), 20s));
    const std::lock_guard lock{mutex};
    ASSERT_FALSE(found[1].empty());
    for (const auto& one : found[1]) {
        EXPECT_TRUE(one.address().is_loopback());
        EXPECT_EQ(one.port(), 8080);
    }
}

TEST(NameLookup, ANameThatIsNoneIsToldAndLookedUpAgain) {
    std::promise<void> twice;
    int failures = 0;
    NameLookup lookup{{{std::string(64, 'a'), "80"}},  // no label is that long
                      1ms,
                      {[](std::size_t, const AddressBook::Addresses&) { ADD_FAILURE(); },
                       [&](std::size_t, const std::string& problem) {
                           EXPECT_FALSE(problem.empty());
                           if (++failures == 2) twice.set_value();
                       }}};
    lookup.start();
    ASSERT_EQ(twice.get_future().wait_for(60s), std::future_status::ready);
    lookup.stop();
}

}  // namespace sluice::upstream
