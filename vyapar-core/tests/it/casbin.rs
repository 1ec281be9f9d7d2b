//! The evaluator against cases of a public access-control suite (casbin's examples, Apache-2.0,
//! read from `../shared/data`): policies become permissions, roles and assignments, and each
//! expected decision is asked of `Effective`.
//!
//! What our model has no word for is flattened: a role that holds roles becomes all of them,
//! given to the user; a group of resources becomes its members; a domain becomes a store, whose
//! member the user is. Every role carries a permission of its own name, so that who holds which
//! role is asked of the evaluator too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use vyapar_core::access::{
    Assignment, AssignmentType, Effect, Effective, GrantTarget, Grants, Permission, PermissionId, PermissionStatus,
    Role, RoleId, RolePermissions, Scope,
};

use super::contacts::shared;
use super::effective::{at, given, permission, role, user};

/// Cells of a CSV text; a quoted cell doubles its quotes.
fn table(text: &str) -> Vec<Vec<String>> {
    let line = |line: &str| {
        let (mut cells, mut quoted, mut chars) = (vec![String::new()], false, line.chars().peekable());
        while let Some(c) = chars.next() {
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    cells.last_mut().unwrap().push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(String::new()),
                c => cells.last_mut().unwrap().push(c),
            }
        }
        cells
    };
    text.lines().skip(1).filter(|text| !text.is_empty()).map(line).collect()
}

/// How a model decides, as far as ours can say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Subject (or a role of his), object, action.
    Plain,
    /// Subject and action.
    WithoutObjects,
    /// As `Plain`, and the subject `root` may do everything.
    WithRoot,
    /// As `Plain`, where policies name groups of objects (`g2`).
    ObjectGroups,
    /// Roles within a domain.
    Domains,
    /// Roles within one object, policies for its type (`g2`).
    Relations,
}

/// A model file's shape, and whether all is allowed that is not denied; or why ours cannot say it.
fn shape(conf: &str) -> Result<(Shape, bool), &'static str> {
    let mut keys = BTreeMap::<String, String>::new();
    for line in conf.replace("\\\n", " ").lines() {
        let line = line.split(['#', ';']).next().unwrap();
        if let Some((key, value)) = line.split_once(" = ") {
            keys.insert(key.trim().to_owned(), value.split_whitespace().collect());
        }
    }
    let matcher = keys["m"].as_str();
    for (sign, why) in [
        ("keyMatch", "resources by pattern of their path: a permission names one thing"),
        ("regexMatch", "actions by pattern: a permission names one action"),
        ("globMatch", "resources by pattern of their path: a permission names one thing"),
        ("ipMatch", "subjects by network: a subject is a user"),
        ("eval(", "conditions on the subject's or the object's fields: a permission has none"),
    ] {
        if matcher.contains(sign) {
            return Err(why);
        }
    }
    let allowed_at_first = match keys["e"].as_str() {
        "some(where(p.eft==allow))" | "some(where(p.eft==allow))&&!some(where(p.eft==deny))" => false,
        "!some(where(p.eft==deny))" => true,
        "priority(p.eft)||deny" => return Err("the first matching policy wins, whatever it says: here a denial wins"),
        other => panic!("another effect: {other}"),
    };
    let shape = match matcher {
        "r.sub==p.sub&&r.obj==p.obj&&r.act==p.act" | "g(r.sub,p.sub)&&r.obj==p.obj&&r.act==p.act" => Shape::Plain,
        "r.sub==p.sub&&r.act==p.act" => Shape::WithoutObjects,
        "r.sub==p.sub&&r.obj==p.obj&&r.act==p.act||r.sub==\"root\"" => Shape::WithRoot,
        "g(r.sub,p.sub)&&g2(r.obj,p.obj)&&r.act==p.act" => Shape::ObjectGroups,
        "g(r.sub,p.sub,r.dom)&&r.dom==p.dom&&r.obj==p.obj&&r.act==p.act" => Shape::Domains,
        "g(r.sub,r.obj,p.role)&&g2(r.obj,p.obj_type)&&r.act==p.act" => Shape::Relations,
        other => panic!("another matcher: {other}"),
    };
    Ok((shape, allowed_at_first))
}

/// A role of the suite: its name, and the domain it is in.
type Named = (String, Option<String>);
/// A thing and what is done to it.
type Deed = (String, String);

/// A suite's model and policy in our words.
struct World {
    shape: Shape,
    roles: BTreeMap<Named, Role>,
    permissions: Vec<Permission>,
    /// What each user was given, and the stores he is a member of.
    users: BTreeMap<String, (Vec<Assignment>, BTreeSet<String>)>,
    /// What a group of objects, or the type of one, consists of.
    members: Vec<(String, String)>,
    /// Whether a role holds a role.
    nested: bool,
}

fn screaming(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

fn deed_id((object, action): &Deed) -> PermissionId {
    format!("PERM_DO_{}_{}", screaming(object), screaming(action)).parse().unwrap()
}

fn role_id((name, domain): &Named) -> RoleId {
    let place = domain.as_ref().map(|domain| format!("_IN_{}", screaming(domain))).unwrap_or_default();
    format!("ROLE_{}{place}", screaming(name)).parse().unwrap()
}

/// The permission that a role has only to be seen.
fn badge(named: &Named) -> PermissionId {
    format!("PERM_BADGE_{}", role_id(named).as_str()).parse().unwrap()
}

impl World {
    /// `asked` are the deeds that requests name beyond the policy: they are permissions too, so
    /// that a refusal is no accident of an unknown id.
    fn of(shape: Shape, allowed_at_first: bool, policy: &str, asked: &[Deed]) -> Self {
        let lines: Vec<Vec<&str>> = policy
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.split(',').map(str::trim).collect())
            .collect();
        let of_kind = |kind| lines.iter().filter(move |line| line[0] == kind).map(|line| &line[1..]);
        let owned = |text: &&str| (*text).to_owned();

        // Who holds which role where: (holder, role, domain).
        let links: Vec<(String, Named)> = of_kind("g")
            .map(|line| match (shape, line) {
                (Shape::Domains, [holder, role, domain]) => (owned(holder), (owned(role), Some(owned(domain)))),
                (Shape::Relations, [holder, object, role]) => (owned(holder), (owned(role), Some(owned(object)))),
                (_, [holder, role]) => (owned(holder), (owned(role), None)),
                _ => panic!("another shape of g: {line:?}"),
            })
            .collect();
        let members: Vec<(String, String)> = of_kind("g2").map(|line| (owned(&line[0]), owned(&line[1]))).collect();
        let role_names: BTreeSet<&String> = links.iter().map(|(_, (role, _))| role).collect();
        // In the relations, a policy's role counts in every object of its type.
        let domains: BTreeSet<Option<String>> = links.iter().map(|(_, (_, domain))| domain.clone()).collect();

        // Policies: (subject, domains, deeds, denied).
        let mut rules: Vec<(String, Option<String>, Vec<Deed>, bool)> = Vec::new();
        for line in of_kind("p") {
            let (subject, domain, object, action, effect) = match (shape, line) {
                (Shape::Domains, [subject, domain, object, action]) => {
                    (subject, Some(owned(domain)), *object, action, None)
                }
                (Shape::WithoutObjects, [subject, action]) => (subject, None, "", action, None),
                (_, [subject, object, action]) => (subject, None, *object, action, None),
                (_, [subject, object, action, effect]) => (subject, None, *object, action, Some(*effect)),
                _ => panic!("another shape of p: {line:?}"),
            };
            let objects = match shape {
                // An object that is in no group stands for itself.
                Shape::ObjectGroups => {
                    let inside = members.iter().filter(|(_, group)| group == object).map(|(one, _)| one.clone());
                    inside.chain([object.to_owned()]).collect()
                }
                _ => vec![object.to_owned()],
            };
            let deeds: Vec<Deed> = objects.into_iter().map(|object| (object, owned(action))).collect();
            let denied = match effect {
                None | Some("allow") => false,
                Some("deny") => true,
                Some(other) => panic!("another effect: {other}"),
            };
            let places = if shape == Shape::Relations { domains.iter().cloned().collect() } else { vec![domain] };
            for domain in places {
                rules.push((owned(subject), domain, deeds.clone(), denied));
            }
        }

        let scope = if matches!(shape, Shape::Domains | Shape::Relations) { Scope::Stores } else { Scope::Platform };
        let mut roles = BTreeMap::<Named, Role>::new();
        let places = rules.iter().map(|(name, domain, ..)| (name.clone(), domain.clone()));
        for named in links.iter().map(|(_, named)| named.clone()).chain(places) {
            if role_names.contains(&named.0) || shape == Shape::Relations {
                let gives = rules
                    .iter()
                    .filter(|(name, domain, _, denied)| (name, domain, denied) == (&named.0, &named.1, &false));
                let mut ids: BTreeSet<_> = gives.flat_map(|(_, _, deeds, _)| deeds).map(deed_id).collect();
                ids.insert(badge(&named));
                roles.insert(named.clone(), role(&role_id(&named), RolePermissions::Only(ids), scope));
            }
        }

        // Users: subjects that are no role, with every role that follows from those they hold.
        let mut users = BTreeMap::<String, (Vec<Assignment>, BTreeSet<String>)>::new();
        let everything = (shape == Shape::WithRoot || allowed_at_first).then(|| ("everything".to_owned(), None));
        if let Some(named) = &everything {
            roles.insert(named.clone(), role(&role_id(named), RolePermissions::All, Scope::Platform));
        }
        let subjects = links.iter().map(|(holder, _)| holder).chain(rules.iter().map(|(subject, ..)| subject));
        let root = (shape == Shape::WithRoot).then(|| "root".to_owned());
        for name in subjects.chain(&root).filter(|name| !role_names.contains(name)) {
            let mut held = BTreeSet::<Named>::new();
            let mut todo = vec![(name.clone(), None)];
            while let Some((holder, place)) = todo.pop() {
                for (_, named) in
                    links.iter().filter(|(by, named)| *by == holder && (place.is_none() || place == named.1))
                {
                    if held.insert(named.clone()) {
                        todo.push(named.clone());
                    }
                }
            }
            let own = rules.iter().filter(|(subject, ..)| subject == name);
            let stores = held.iter().map(|(_, domain)| domain).chain(own.clone().map(|(_, domain, ..)| domain));
            let stores: BTreeSet<String> = stores.flatten().cloned().collect();
            let mut assignments = Vec::new();
            let denials = rules.iter().filter(|(subject, domain, _, denied)| {
                *denied && (subject == name || held.contains(&(subject.clone(), domain.clone())))
            });
            for deed in denials.flat_map(|(_, _, deeds, _)| deeds) {
                let target = GrantTarget::Permission(deed_id(deed));
                assignments.push(given(target, AssignmentType::Override, Effect::Deny, scope));
            }
            for deed in own.filter(|(.., denied)| !denied).flat_map(|(_, _, deeds, _)| deeds) {
                let target = GrantTarget::Permission(deed_id(deed));
                assignments.push(given(target, AssignmentType::Direct, Effect::Allow, scope));
            }
            let all = everything.iter().filter(|_| allowed_at_first || Some(name) == root.as_ref());
            for named in held.iter().chain(all) {
                let target = GrantTarget::Role(role_id(named));
                assignments.push(given(target, AssignmentType::RoleInherited, Effect::Allow, scope));
            }
            users.insert(name.clone(), (assignments, stores));
        }

        let deeds: BTreeSet<&Deed> = rules.iter().flat_map(|(_, _, deeds, _)| deeds).chain(asked).collect();
        let ids: BTreeSet<PermissionId> = deeds.iter().map(|deed| deed_id(deed)).collect();
        assert_eq!(ids.len(), deeds.len(), "two deeds of one id");
        let badges = roles.keys().map(badge);
        let permissions = ids.into_iter().chain(badges).map(|id| permission(&id, PermissionStatus::Active)).collect();
        let nested = links.iter().any(|(holder, _)| role_names.contains(holder));
        Self { shape, roles, permissions, users, members, nested }
    }

    fn effective(&self, assignments: Vec<Assignment>) -> Effective {
        let roles: Vec<Role> = self.roles.values().cloned().collect();
        Effective::of(&Grants { assignments, ..Grants::none(user()) }, &roles, &self.permissions)
    }

    fn of_user(&self, name: &str) -> Effective {
        self.effective(self.users.get(name).map(|(given, _)| given.clone()).unwrap_or_default())
    }

    /// Whether he is a member of the store; what acts on the platform has none.
    fn is_member(&self, name: &str, store: Option<&str>) -> bool {
        store.is_none_or(|store| self.users.get(name).is_some_and(|(_, stores)| stores.contains(store)))
    }

    /// Our roles act in all stores of their holder: for a member of one store that is the same.
    fn has_one_store_at_most(&self, name: &str) -> bool {
        self.users.get(name).is_none_or(|(_, stores)| stores.len() <= 1)
    }

    fn allows(&self, name: &str, store: Option<&str>, deed: &Deed) -> bool {
        let scope = if store.is_some() { Scope::Stores } else { Scope::Platform };
        self.is_member(name, store) && self.of_user(name).allows(&deed_id(deed), scope, at(1))
    }

    /// The roles he holds in that store, by their names.
    fn held(&self, name: &str, store: Option<&str>) -> BTreeSet<String> {
        let effective = self.of_user(name);
        let here = self.roles.keys().filter(|(_, domain)| domain.as_deref() == store);
        here.filter(|named| effective.allows_in_own_stores(&badge(named), at(1)))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// What is allowed of all there is.
    fn deeds_of(effective: &Effective) -> BTreeSet<PermissionId> {
        let all = effective.permissions(Scope::Stores, at(1)).cloned();
        all.filter(|id| id.as_str().starts_with("PERM_DO_")).collect()
    }

    fn answers(&self, request: &[String]) -> Result<bool, &'static str> {
        let (name, store, deed) = match (self.shape, request) {
            (Shape::Domains, [name, domain, object, action]) => (name, Some(domain), (object.clone(), action.clone())),
            (Shape::Relations, [name, object, action]) => {
                let kind = self.members.iter().find(|(one, _)| one == object).map(|(_, kind)| kind);
                // A thing without a type is no store, and nobody is its member.
                (name, Some(object), (kind.unwrap_or(object).clone(), action.clone()))
            }
            (Shape::WithoutObjects, [name, action]) => (name, None, (String::new(), action.clone())),
            (_, [name, object, action]) => (name, None, (object.clone(), action.clone())),
            _ => panic!("another shape of request: {request:?}"),
        };
        if !self.has_one_store_at_most(name) {
            return Err(ONE_ROLE);
        }
        Ok(self.allows(name, store.map(String::as_str), &deed))
    }
}

const ONE_ROLE: &str = "one user with other roles in each store: a role acts in all stores of its holder";

/// The deeds that a request names, for the list of permissions.
fn deed_of(shape: Shape, request: &[String]) -> Deed {
    match (shape, request) {
        (Shape::WithoutObjects, [_, action]) => (String::new(), action.clone()),
        (_, [.., object, action]) => (object.clone(), action.clone()),
        _ => panic!("another shape of request: {request:?}"),
    }
}

/// Prints what was compared, and by name and reason what could not be.
fn report(what: &str, compared: usize, left_out: &BTreeMap<(String, &'static str), usize>) {
    println!("{what}: {compared} compared");
    for ((case, why), count) in left_out {
        println!("{count:>4}  {case}: {why}");
    }
}

#[test]
fn decisions_are_the_suites() {
    let Some(expected) = shared("rbac_casbin/expected_enforce.csv") else { return };
    let mut compared = BTreeMap::<String, usize>::new();
    let mut left_out = BTreeMap::new();
    let mut allowed = 0;
    for row in table(&expected) {
        let [case, model, policy, request, decision] = &row[..] else { panic!("a row of another shape: {row:?}") };
        let read = |name: &str| shared(&format!("rbac_casbin/{name}")).expect("a file of the set");
        let request: Vec<String> = serde_json::from_str(request).unwrap();
        let answer = shape(&read(model)).and_then(|(shape, allowed_at_first)| {
            World::of(shape, allowed_at_first, &read(policy), &[deed_of(shape, &request)]).answers(&request)
        });
        match answer {
            Ok(answer) => {
                assert_eq!(answer, decision == "true", "{case}: {request:?} of {policy}");
                *compared.entry(case.clone()).or_default() += 1;
                allowed += usize::from(answer);
            }
            Err(why) => *left_out.entry((case.clone(), why)).or_default() += 1,
        }
    }
    report("decisions", compared.values().sum(), &left_out);
    let compared: Vec<_> = compared.iter().map(|(case, count)| (case.as_str(), *count)).collect();
    assert_eq!(
        compared,
        [
            ("TestBasicModel", 8),
            ("TestBasicModelWithRoot", 12),
            ("TestBasicModelWithoutSpaces", 8),
            ("TestCommentModel", 4),
            ("TestEnableLog", 8),
            ("TestRBACModel", 8),
            ("TestRBACModelInMultiLines", 8),
            ("TestRBACModelWithDeny", 8),
            ("TestRBACModelWithDomains", 8),
            ("TestRBACModelWithOnlyDeny", 1),
            ("TestRBACModelWithResourceRoles", 8),
            ("TestReBACModel", 12),
        ]
    );
    assert_eq!(left_out.values().sum::<usize>(), 63);
    assert!(allowed > 20, "not only refusals: {allowed}");
}

/// Arguments as written in Go: `[]string{"a"}` is a list.
fn arguments(text: &str) -> Vec<Value> {
    let json = text.replace("[][]string", "").replace("[]string", "").replace('{', "[").replace('}', "]");
    serde_json::from_str(&format!("[{json}]")).unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn words(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// The deeds at the end of each row.
fn deeds(list: &Value, shape: Shape) -> BTreeSet<PermissionId> {
    let row = |row: &Value| {
        let row: Vec<String> = serde_json::from_value(row.clone()).unwrap();
        deed_id(&deed_of(shape, &row))
    };
    list.as_array().unwrap().iter().map(row).collect()
}

/// Compares one query of roles and permissions, or says why it cannot be asked.
fn query(world: &World, call: &str, arguments: &[Value]) -> Result<(), &'static str> {
    const FLAT: &str = "roles are flattened: which of them was given directly is not kept";
    let text = |at: usize| arguments[at].as_str().unwrap();
    let store = |at: usize| arguments.get(at).map(|domain| domain.as_str().unwrap());
    let single = |name: &str| if world.has_one_store_at_most(name) { Ok(()) } else { Err(ONE_ROLE) };
    match call {
        "GetRoles" | "GetRolesInDomain" | "HasRole" if world.nested => return Err(FLAT),
        "GetRoles" => assert_eq!(world.held(text(1), store(2)), words(&arguments[0])),
        "GetRolesInDomain" | "GetImplicitRolesInDomain" => {
            assert_eq!(world.held(text(0), store(1)), words(&arguments[2]));
        }
        "GetImplicitRoles" => assert_eq!(world.held(text(0), None), words(&arguments[1])),
        "HasRole" => assert_eq!(world.held(text(0), store(3)).contains(text(1)), arguments[2].as_bool().unwrap()),
        "GetUsers" | "GetUsersInDomain" => {
            let (list, role, domain) = if call == "GetUsers" { (0, 1, 2) } else { (2, 0, 1) };
            let holds = |name: &&String| world.held(name, store(domain)).contains(text(role));
            assert_eq!(world.users.keys().filter(holds).cloned().collect::<BTreeSet<_>>(), words(&arguments[list]));
        }
        "GetPermissions" => {
            let mut own = world.users.get(text(0)).map(|(given, _)| given.clone()).unwrap_or_default();
            own.retain(|given| given.assignment_type == AssignmentType::Direct);
            assert_eq!(World::deeds_of(&world.effective(own)), deeds(&arguments[1], world.shape));
        }
        "GetImplicitPermissions" => {
            assert_eq!(World::deeds_of(&world.of_user(text(0))), deeds(&arguments[1], world.shape));
        }
        "GetPermissionsInDomain" | "GetImplicitPermissionsWithDomain" => {
            let name = text(0);
            single(name)?;
            // What a role gives: what someone has who holds it and nothing else.
            let named = (name.to_owned(), store(1).map(str::to_owned));
            let effective = if world.roles.contains_key(&named) {
                let target = GrantTarget::Role(role_id(&named));
                world.effective(vec![given(target, AssignmentType::RoleInherited, Effect::Allow, Scope::Stores)])
            } else if world.is_member(name, store(1)) {
                world.of_user(name)
            } else {
                Effective::default()
            };
            assert_eq!(World::deeds_of(&effective), deeds(&arguments[2], world.shape));
        }
        "GetImplicitUsers" => {
            let deed = (text(1).to_owned(), text(2).to_owned());
            let may = |name: &&String| world.allows(name, None, &deed);
            assert_eq!(world.users.keys().filter(may).cloned().collect::<BTreeSet<_>>(), words(&arguments[0]));
        }
        "GetImplicitUsersForResource" | "GetImplicitUsersForResourceByDomain" => {
            let mut found = BTreeSet::new();
            for name in world.users.keys() {
                for action in ["read", "write"] {
                    if world.allows(name, store(2), &(text(1).to_owned(), action.to_owned())) {
                        found.insert(vec![name.clone(), text(1).to_owned(), action.to_owned()]);
                    }
                }
            }
            let expected: BTreeSet<Vec<String>> = serde_json::from_value(arguments[0].clone()).unwrap();
            assert_eq!(found, expected);
        }
        "GetDomainsForUser" => return Err("a user's stores are his rows of store_users: nothing is evaluated"),
        "GetAllDomains" => return Err("a list of stores: nothing is evaluated"),
        "GetAllUsersByDomain" => return Err("lists roles as users: a role is a member of no store"),
        "GetAllRolesByDomain" => return Err("roles are the platform's: a store has no list of its own"),
        other => panic!("another query: {other}"),
    }
    Ok(())
}

#[test]
fn roles_and_permissions_are_the_suites() {
    let Some(expected) = shared("rbac_casbin/expected_role_queries.csv") else { return };
    let mut compared = BTreeMap::<String, usize>::new();
    let mut left_out = BTreeMap::new();
    for row in table(&expected) {
        let [case, model, policy, call, text] = &row[..] else { panic!("a row of another shape: {row:?}") };
        let read = |name: &str| shared(&format!("rbac_casbin/{name}")).expect("a file of the set");
        println!("{case}: {call}({text})");
        let outcome = shape(&read(model)).and_then(|(shape, allowed_at_first)| {
            let world = World::of(shape, allowed_at_first, &read(policy), &[]);
            query(&world, call, &arguments(text))
        });
        match outcome {
            Ok(()) => *compared.entry(call.clone()).or_default() += 1,
            Err(why) => *left_out.entry((format!("{case} ({call})"), why)).or_default() += 1,
        }
    }
    report("queries of roles and permissions", compared.values().sum(), &left_out);
    let compared: Vec<_> = compared.iter().map(|(call, count)| (call.as_str(), *count)).collect();
    assert_eq!(
        compared,
        [
            ("GetImplicitPermissions", 2),
            ("GetImplicitRoles", 2),
            ("GetImplicitRolesInDomain", 1),
            ("GetImplicitUsers", 4),
            ("GetImplicitUsersForResource", 1),
            ("GetImplicitUsersForResourceByDomain", 1),
            ("GetPermissions", 6),
            ("GetPermissionsInDomain", 8),
            ("GetRoles", 20),
            ("GetRolesInDomain", 8),
            ("GetUsers", 4),
            ("GetUsersInDomain", 4),
            ("HasRole", 4),
        ]
    );
    assert_eq!(left_out.values().sum::<usize>(), 19);
}
