package plan

import (
	"context"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
	"github.com/open-policy-agent/opa/v1/rego"
)

// targetName is the name under which OPA's rego package knows this one. The
// planner is internal to OPA; target plugins are its public door.
const targetName = "switchboard.plan"

func init() { rego.RegisterPlugin(targetName, door{}) }

// Of plans a query over modules that are compiled. Builtins are those beyond
// OPA's own that the modules call. It fails where OPA's planner does not know how,
// and where it is known to be wrong.
func Of(ctx context.Context, compiler *ast.Compiler, query string, builtins ...*ast.Builtin) (policy *ir.Policy, err error) {
	defer func() {
		// The planner walks modules that nobody but the compiler has seen.
		if p := recover(); p != nil {
			policy, err = nil, fmt.Errorf("the planner broke off: %v", p)
		}
	}()
	options := []func(*rego.Rego){rego.Compiler(compiler), rego.Query(query), rego.Target(targetName)}
	for _, b := range builtins {
		options = append(options, rego.FunctionDyn(&rego.Function{Name: b.Name, Decl: b.Decl}, neverCalled))
	}
	var out *ir.Policy
	if _, err := rego.New(options...).PrepareForEval(context.WithValue(ctx, outKey{}, &out)); err != nil {
		return nil, err
	}
	if out == nil {
		return nil, errors.New("the planner gave no plan")
	}
	if err := doubt(out, compiler.RuleTree); err != nil {
		return nil, err
	}
	return out, nil
}

var errNeverCalled = errors.New("plans are not evaluated by OPA's rego package")

func neverCalled(rego.BuiltinContext, []*ast.Term) (*ast.Term, error) { return nil, errNeverCalled }

// outKey finds in a context where [Of] wants the plan.
type outKey struct{}

// door is the [rego.TargetPlugin] that hands plans over.
type door struct{}

// IsTarget reports whether name is this plugin's.
func (door) IsTarget(name string) bool { return name == targetName }

// PrepareForEval takes the plan.
func (door) PrepareForEval(ctx context.Context, policy *ir.Policy, _ ...rego.PrepareOption) (rego.TargetPluginEval, error) {
	out, ok := ctx.Value(outKey{}).(**ir.Policy)
	if !ok {
		return nil, errNeverCalled
	}
	*out = policy
	return door{}, nil
}

// Eval fails: programs run by [Program.Eval].
func (door) Eval(context.Context, *rego.EvalContext, ast.Value) (ast.Value, error) {
	return nil, errNeverCalled
}
