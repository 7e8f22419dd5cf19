// Which URLs are refused before anybody connects, and that the reason repeats none of them.
#include "postgres/connection/url_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::postgres {

TEST(DatabaseUrlCheck, WhatLibpqTakesIsTaken) {
    for (const auto* url : {"postgresql://",
                            "postgresql://localhost/x",
                            "postgres://u:p@h:5432/d",
                            "postgresql://u:p%40%2f@h/d",
                            "postgresql:///d?host=/tmp",
                            "postgresql://%2Ftmp/d",
                            "postgresql://u@/d",
                            "postgresql://[::1]:5433/d",
                            "postgresql://a:1,b:2/d?target_session_attrs=primary",
                            "postgresql://a,b/d?connect_timeout=2",
                            "host=a",
                            "host=/tmp/x port=5432,5433 dbname=a",
                            "host=a password='a b\\'c'",
                            "host=@abstract",
                            "user=me@server host=a",
                            "postgresql://h/d?user=me@server",
                            "postgresql://h/d?options=-csearch_path%3Da&application_name=x",
                            "hostaddr=127.0.0.1",
                            "postgresql://[fe80::1%25eth0]/d",
                            "service=x",
                            "postgresql://u:a?b@h/d"}) {
        EXPECT_EQ(complaint_about_url(url), "") << url;
    }
}

TEST(DatabaseUrlCheck, WhatItCannotUseIsRefusedWithoutItsText) {
    using ::testing::HasSubstr;
    using ::testing::Not;
    for (const auto* url : {"",
                            "MARK",
                            "mysql://MARK@h",
                            "postgresql://u:%zzMARK@h/d",
                            "postgresql://u:MARK%@h/d",
                            "postgresql://u:a%00MARK@h/d",
                            "postgresql://u:a@MARK@h/d",
                            "postgresql://u:a/MARK@h/d",
                            "postgresql://u:1/MARK@h/d",
                            "postgresql://h:MARK/d",
                            "postgresql://h:0/d",
                            "postgresql://h:65536/MARK",
                            "postgresql://h/d?MARK=1",
                            "postgresql://h/d?MARK",
                            "postgresql://[::1MARK/d",
                            "host=a b MARK",
                            "host=a MARK=1",
                            "password='MARK",
                            "host=a port=1,MARK",
                            "host='a MARK'",
                            "hostaddr=MARK",
                            "sslmode=MARK",
                            "connect_timeout=MARK",
                            "keepalives=MARK",
                            "channel_binding=MARK",
                            "target_session_attrs=MARK",
                            "postgresql://h/d?a=b=MARK"}) {
        EXPECT_NE(complaint_about_url(url), "") << url;
        EXPECT_THAT(complaint_about_url(url), Not(HasSubstr("MARK"))) << url;
    }
}

}  // namespace sluice::postgres
