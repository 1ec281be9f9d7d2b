-- What adds up in a store (orders delivered, what customers gave it), its hours, and when to ask
-- for its coordinates again.

-- The mean that `rating` shows is exact because the sum is kept beside it. Failures may be as
-- many as an unsigned integer counts.
alter table vyapar.stores
    add column rating_sum         bigint not null default 0 check (rating_sum >= 0),
    add column rating_count       bigint not null default 0 check (rating_count >= 0),
    add column geocoding_due      timestamptz,
    add column geocoding_failures bigint,
    add check ((geocoding_due is null) = (geocoding_failures is null));
create index stores_geocoding on vyapar.stores (geocoding_due, id) where geocoding_due is not null;

-- Which orders a store was counted, and what each review gives it, as of which revision. A review
-- that was withdrawn gives no stars and stays, so that no earlier revision comes back.
create table vyapar.store_order_counts (
    store_id uuid    not null,
    order_id varchar not null,
    primary key (store_id, order_id)
);
create table vyapar.store_ratings (
    store_id  uuid     not null references vyapar.stores (id),
    review_id uuid     not null,
    revision  bigint   not null,
    stars     smallint check (stars between 1 and 5),
    primary key (store_id, review_id)
);
select from vyapar.isolate_by_store('store_order_counts');
select from vyapar.isolate_by_store('store_ratings');
grant select, insert on vyapar.store_order_counts to vyapar_app;
grant select, insert, update on vyapar.store_ratings to vyapar_app;

-- The mean, rounded half-up to two decimals. In whole numbers, because a quotient that is rounded
-- first to its own digits and then to these may end up one higher.
create function vyapar.mean_stars(p_sum bigint, p_count bigint) returns numeric
language sql immutable as $$
    select div(200 * p_sum::numeric + p_count, 2 * nullif(p_count, 0)::numeric) / 100
$$;

-- As before, with what a store has collected as it is given; nothing, where a process of the
-- version before gives none.
create or replace function vyapar.insert_store(p_store jsonb, p_owner jsonb, p_audit jsonb, p_lock_timeout integer)
returns void
language plpgsql as $$
begin
    perform vyapar.enter(array[(p_store ->> 'id')::uuid], p_lock_timeout);
    insert into vyapar.stores
        select * from jsonb_populate_record(null::vyapar.stores,
            '{"rating_sum": 0, "rating_count": 0, "total_orders": 0}'
            || p_store
            || jsonb_build_object('rating', vyapar.mean_stars(
                   (p_store ->> 'rating_sum')::bigint, (p_store ->> 'rating_count')::bigint)));
    if p_owner is not null then
        insert into vyapar.store_users select * from jsonb_populate_record(null::vyapar.store_users, p_owner);
    end if;
    perform vyapar.insert_audit(p_audit);
end
$$;

-- As before, with hours and geocoding. What adds up is not written here. (Hours always come, but
-- from a process of the version before, which knows none and so changes none.)
create or replace function vyapar.update_store(
    p_store jsonb, p_expected bigint, p_audit jsonb, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter(array[(p_store ->> 'id')::uuid], p_lock_timeout);
    update vyapar.stores s
       set store_name = n.store_name, owner_name = n.owner_name, email = n.email, phone = n.phone,
           whatsapp_number = n.whatsapp_number, address = n.address, city = n.city, state = n.state,
           pincode = n.pincode, latitude = n.latitude, longitude = n.longitude, gstin = n.gstin,
           store_type = n.store_type, business_hours = coalesce(n.business_hours, s.business_hours),
           delivery_radius_km = n.delivery_radius_km, min_order_amount = n.min_order_amount,
           delivery_fee = n.delivery_fee, preparation_minutes = n.preparation_minutes,
           accepts_online_payment = n.accepts_online_payment, status = n.status, verified = n.verified,
           geocoding_due = n.geocoding_due, geocoding_failures = n.geocoding_failures,
           version = p_expected + 1, updated_at = n.updated_at
      from jsonb_populate_record(null::vyapar.stores, p_store) n
     where s.id = n.id and s.version = p_expected;
    if not found then
        return false;
    end if;
    perform vyapar.insert_audit(p_audit);
    return true;
end
$$;

-- Counts a delivered order, once; says whether it was counted now. Who repeats it at the same
-- time waits for the row that the first one adds, and then finds it.
create function vyapar.count_store_order(p_store uuid, p_order varchar, p_lock_timeout integer) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    insert into vyapar.store_order_counts select s.id, p_order from vyapar.stores s where s.id = p_store
    on conflict do nothing;
    if not found then
        return false;
    end if;
    update vyapar.stores s set total_orders = coalesce(s.total_orders, 0) + 1 where s.id = p_store;
    return true;
end
$$;

-- Counts what a review now gives in place of what it gave; says whether it did. Reviews of one
-- store go one after the other, and each sees, in a statement of its own, what those before left.
create function vyapar.rate_store(
    p_store uuid, p_review uuid, p_revision bigint, p_stars integer, p_lock_timeout integer
) returns boolean
language plpgsql as $$
declare
    v_before vyapar.store_ratings;
    v_sum    bigint;
    v_count  bigint;
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    select s.rating_sum, s.rating_count into v_sum, v_count from vyapar.stores s where s.id = p_store
       for no key update;
    if not found then
        return false;
    end if;
    select * into v_before from vyapar.store_ratings r where r.store_id = p_store and r.review_id = p_review;
    if v_before.revision >= p_revision then
        return false;
    end if;
    insert into vyapar.store_ratings (store_id, review_id, revision, stars)
        values (p_store, p_review, p_revision, p_stars)
    on conflict (store_id, review_id) do update set revision = excluded.revision, stars = excluded.stars;
    v_sum := v_sum - coalesce(v_before.stars, 0) + coalesce(p_stars, 0);
    v_count := v_count - (v_before.stars is not null)::integer + (p_stars is not null)::integer;
    update vyapar.stores s
       set rating_sum = v_sum, rating_count = v_count, rating = vyapar.mean_stars(v_sum, v_count)
     where s.id = p_store;
    return true;
end
$$;

-- Everyone sees of how many reviews a rating is the mean.
create or replace view vyapar.public_stores with (security_barrier) as
    select id, store_id, store_name, address, city, state, pincode, latitude, longitude, store_type, business_hours,
           delivery_radius_km, min_order_amount, delivery_fee, preparation_minutes, accepts_online_payment, verified,
           rating, rating_count
      from vyapar.stores where status = 'active';
