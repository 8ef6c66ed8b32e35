package io.kvflux.core;

import static io.kvflux.core.Driver.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The fair policy: shares of computed tokens. */
class FairShareTest {

    private final Driver driver = new Driver(
            Driver.config(16, 100).policy(QueuePolicy.FAIR).maxBatchSize(4).maxBatchTokens(40));
    private final Map<SequenceId, String> tenants = new HashMap<>();
    private final Map<String, Integer> computed = new HashMap<>();

    private void submit(String tenant, int promptLength, int count) {
        for (int i = 0; i < count; i++) {
            tenants.put(driver.submit(driver.prompt(promptLength).tenant(tenant).maxTokens(1)), tenant);
        }
    }

    private void step() {
        Step step = driver.plan();
        for (int i = 0; i < step.size(); i++) {
            computed.merge(tenants.get(step.sequence(i)), step.tokenCount(i), Integer::sum);
        }
        driver.complete();
    }

    @Test
    void tenantsOfUnequalLoadGetEqualSharesWithinOneStep() {
        submit("many", 20, 60);
        submit("few", 40, 10);
        for (int i = 0; i < 18; i++) {
            step();
            assertThat(computed.getOrDefault("many", 0) - computed.getOrDefault("few", 0))
                    .isBetween(-40, 40);
        }
    }

    @Test
    void aTenantThatWasAwayStartsLevel() {
        submit("busy", 40, 20);
        for (int i = 0; i < 8; i++) {
            step();
        }
        submit("new", 40, 6);
        computed.clear();
        for (int i = 0; i < 8; i++) {
            step();
        }
        assertThat(computed.get("busy")).as("nothing is made up for").isEqualTo(160);
        assertThat(computed.get("new")).isEqualTo(160);
    }

    @Test
    void aTenantThatComesBackStartsLevel() {
        submit("away", 40, 1);
        step();
        submit("busy", 40, 30);
        for (int i = 0; i < 10; i++) {
            step();
        }
        submit("away", 40, 6);
        computed.clear();
        for (int i = 0; i < 8; i++) {
            step();
        }
        assertThat(computed.get("busy")).isEqualTo(160);
    }

    @Test
    void aTenantThatOnlyParkedBanksNothing() {
        tenants.put(driver.core.submit(driver.prompt(40).tenant("parked").maxTokens(1), 0), "parked");
        burstAfterWork("parked");
    }

    @Test
    void aTenantWithOneSlowDecodeBanksNothing() {
        tenants.put(driver.submit(driver.prompt(8).tenant("slow").maxTokens(1_000)), "slow");
        burstAfterWork("slow");
    }

    /** One tenant works while another hardly asks; when that one and a new one burst, all three get the same. */
    private void burstAfterWork(String idle) {
        submit("busy", 40, 60);
        for (int i = 0; i < 20; i++) {
            step();
        }
        submit(idle, 40, 40);
        submit("new", 40, 40);
        computed.clear();
        for (int i = 0; i < 30; i++) {
            step();
        }
        assertThat(computed.get("busy")).isBetween(320, 480);
        assertThat(computed.get(idle)).isBetween(320, 480);
        assertThat(computed.get("new")).isBetween(320, 480);
    }

    @Test
    void tenantsThatCameAndWentAreForgotten() {
        for (int i = 0; i < 50; i++) {
            submit("tenant" + i, 40, 1);
            step();
        }
        submit("busy", 40, 4);
        step();
        submit("late", 40, 1);
        assertThat(driver.core.knownTenants()).isLessThanOrEqualTo(4);
    }

    @Test
    void ofOneTenantTheFirstToArriveGoesFirst() {
        List<SequenceId> order = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            order.add(driver.submit(driver.prompt(5).tenant("a")));
        }
        assertThat(ids(driver.plan())).isEqualTo(order);
    }

    @Test
    void idleTenantsAreForgottenWithoutLosingAnybodysShare() {
        for (int i = 0; i < 50; i++) {
            submit("guest" + i, 5, 1);
            step();
        }
        submit("a", 40, 4);
        submit("b", 40, 4);
        computed.clear();
        for (int i = 0; i < 4; i++) {
            step();
        }
        assertThat(computed.get("a")).isEqualTo(computed.get("b"));
    }
}
