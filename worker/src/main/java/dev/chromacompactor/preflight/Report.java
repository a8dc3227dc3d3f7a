package dev.chromacompactor.preflight;

import dev.chromacompactor.preflight.Finding.Level;
import java.util.List;

/** All findings of one look, in the order of the checks. */
public record Report(List<Finding> findings) {
    public Report {
        findings = List.copyOf(findings);
    }

    public List<Finding> at(Level level) {
        return findings.stream().filter(finding -> finding.level() == level).toList();
    }

    public boolean has(Level level) {
        return findings.stream().anyMatch(finding -> finding.level() == level);
    }
}
