package dev.chromacompactor.deploy;

import com.tngtech.archunit.core.domain.AccessTarget.CodeUnitAccessTarget;
import com.tngtech.archunit.core.domain.AccessTarget.CodeUnitCallTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaConstructor;
import com.tngtech.archunit.core.domain.JavaMethod;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * What may be called, directly or not, from some entry points. Never too little: a call of an interface's method counts as
 * one of each implementation, what a lambda does counts for the method that writes it, and whoever makes an object is taken
 * to call all of its methods that a foreign type, such as {@code InputStream}, knows.
 */
final class CallGraph {
    private static final String OURS = "dev.chromacompactor.";

    private final JavaClasses classes;

    CallGraph(JavaClasses classes) {
        this.classes = classes;
    }

    /** The names of methods of a foreign class that are called. */
    Set<String> callsOf(String foreign, Collection<? extends JavaCodeUnit> entries) {
        var calls = new TreeSet<String>();
        reached(entries).stream()
                .flatMap(CallGraph::targets)
                .filter(target -> target.getOwner().getName().equals(foreign))
                .forEach(target -> calls.add(target.getName()));
        return calls;
    }

    /** Classes that call a method of our own. */
    Set<String> callersOf(String owner, String method, Collection<? extends JavaCodeUnit> entries) {
        var callers = new TreeSet<String>();
        for (var unit : reached(entries)) {
            if (targets(unit)
                    .anyMatch(target -> target.getOwner().getSimpleName().equals(owner)
                            && target.getName().equals(method))) {
                callers.add(unit.getOwner().getSimpleName());
            }
        }
        return callers;
    }

    private Set<JavaCodeUnit> reached(Collection<? extends JavaCodeUnit> entries) {
        var reached = new LinkedHashSet<JavaCodeUnit>(entries);
        var open = new ArrayDeque<JavaCodeUnit>(entries);
        while (!open.isEmpty()) {
            var unit = open.remove();
            Stream.concat(targets(unit).flatMap(this::possible), calledFromOutside(unit))
                    .filter(reached::add)
                    .forEach(open::add);
        }
        return reached;
    }

    private static Stream<CodeUnitAccessTarget> targets(JavaCodeUnit unit) {
        Stream<CodeUnitAccessTarget> calls =
                unit.getCallsFromSelf().stream().map(JavaAccess::getTarget).map(CodeUnitCallTarget.class::cast);
        Stream<CodeUnitAccessTarget> references = Stream.concat(
                        unit.getMethodReferencesFromSelf().stream(), unit.getConstructorReferencesFromSelf().stream())
                .map(JavaAccess::getTarget)
                .map(CodeUnitAccessTarget.class::cast);
        return Stream.concat(calls, references);
    }

    /** The method itself, inherited or not, and everything that overrides it. */
    private Stream<JavaCodeUnit> possible(CodeUnitAccessTarget target) {
        var owner = target.getOwner();
        if (!owner.getName().startsWith(OURS)) {
            return Stream.empty();
        }
        var overrides = owner.getAllSubclasses().stream()
                .flatMap(each -> each.getMethods().stream())
                .filter(method -> sameSignature(method, target));
        return Stream.<JavaCodeUnit>concat(target.resolveMember().stream().map(JavaCodeUnit.class::cast), overrides)
                .filter(unit -> classes.contain(unit.getOwner().getName()));
    }

    private static boolean sameSignature(JavaMethod method, CodeUnitAccessTarget target) {
        return method.getName().equals(target.getName())
                && names(method.getRawParameterTypes()).equals(names(target.getRawParameterTypes()));
    }

    private static List<String> names(List<JavaClass> types) {
        return types.stream().map(JavaClass::getName).toList();
    }

    private static Stream<JavaCodeUnit> calledFromOutside(JavaCodeUnit unit) {
        if (!(unit instanceof JavaConstructor)) {
            return Stream.empty();
        }
        var type = unit.getOwner();
        var known = new LinkedHashSet<String>();
        Stream.concat(type.getAllRawSuperclasses().stream(), type.getAllRawInterfaces().stream())
                .filter(each -> !each.getName().startsWith(OURS))
                .map(JavaClass::getMethods)
                .forEach(methods -> methods.forEach(method -> known.add(method.getName())));
        return type.getMethods().stream()
                .filter(method -> known.contains(method.getName()))
                .map(JavaCodeUnit.class::cast);
    }
}
